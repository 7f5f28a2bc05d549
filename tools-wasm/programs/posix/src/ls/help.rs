//! `--help`.

/// What the program called `name` can do.
pub(super) fn text(name: &str) -> String {
    format!("Usage: {name} [OPTION]... [FILE]...\n{OPTIONS}")
}

const OPTIONS: &str = "\
List information about the FILEs (the current directory by default).
Sort entries alphabetically if none of -cftuvSUX nor --sort is specified.

What is listed:
  -a, --all                  do not ignore entries starting with .
  -A, --almost-all           do not list implied . and ..
  -B, --ignore-backups       do not list implied entries ending with ~
  -d, --directory            list directories themselves, not their contents
  -f                         same as -a -U
  -H, --dereference-command-line
                             follow symbolic links listed on the command line
      --dereference-command-line-symlink-to-dir
                             follow those that point to a directory
      --hide=PATTERN         do not list entries matching PATTERN (overridden by -a or -A)
  -I, --ignore=PATTERN       do not list entries matching PATTERN
  -L, --dereference          show what symbolic links point to
  -R, --recursive            list subdirectories recursively

In what order:
  -c                         by, and with -l show, the time of the last change of status
      --group-directories-first
                             directories before files
  -r, --reverse              reverse order while sorting
  -S                         by file size, largest first
      --sort=WORD            none (-U), size (-S), time (-t), version (-v), extension (-X), name, width
  -t                         by time, newest first
      --time=WORD            which time: atime, access, use; ctime, status; mtime, modification
  -u                         by, and with -l show, the time of the last access
  -U                         do not sort
  -v                         natural sort of (version) numbers within text
  -X                         by entry extension

How it is shown:
  -1                         one file per line
      --author               with -l, print the author of each file
  -b, --escape               C-style escapes for nongraphic characters
      --block-size=SIZE      scale sizes by SIZE, like K, 1M, kB or human-readable
  -C                         entries by columns
      --color[=WHEN]         colour the names: always, auto or never
  -F, --classify[=WHEN]      append an indicator (one of */@) to entries
      --file-type            likewise, but no *
      --format=WORD          across (-x), commas (-m), long (-l), single-column (-1), verbose (-l),
                             vertical (-C)
      --full-time            like -l --time-style=full-iso
  -g                         like -l, but without the owner
  -G, --no-group             with -l, without the group
  -h, --human-readable       with -l and -s, print sizes like 1K 234M 2G
      --indicator-style=WORD none, slash (-p), file-type (--file-type), classify (-F)
  -i, --inode                print the index number of each file
  -k, --kibibytes            1024-byte blocks for -s and totals
  -l                         a long listing
  -m                         a comma separated list of entries
  -n, --numeric-uid-gid      like -l, but with numeric user and group
  -N, --literal              names without quoting
  -o                         like -l, but without the group
  -p                         append / to directories
  -q, --hide-control-chars   ? instead of nongraphic characters
  -Q, --quote-name           names in double quotes
      --quoting-style=WORD   literal, shell, shell-always, shell-escape, shell-escape-always, c,
                             escape, locale, clocale
  -s, --size                 print the allocated size of each file, in blocks
      --show-control-chars   nongraphic characters as they are
      --si                   likewise with powers of 1000
  -T, --tabsize=COLS         tab stops at each COLS instead of 8
      --time-style=STYLE     full-iso, long-iso, iso, locale, or +FORMAT as of date
  -w, --width=COLS           width of the output; 0 means no limit
  -x                         entries by lines instead of by columns
      --zero                 end each line with NUL, not newline

      --help                 this text
      --version              the version

Exit status: 0 if OK, 1 if minor problems (e.g., cannot access a file in a directory),
2 if serious trouble (e.g., cannot access an argument).
";
