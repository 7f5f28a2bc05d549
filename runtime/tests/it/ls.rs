//! What `ls` shows: the sandbox's own modes and owners, in GNU's words and columns.

use crate::kernel::{BACKINGS, Backing};
use crate::programs::{Case, check_on};

async fn check(cases: &[Case]) {
    for backing in BACKINGS {
        check_on(backing, cases).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_listings_show_true_modes_and_owners() {
    check(&[
        (
            "touch a b c d; chmod 750 a; chmod 644 b; chmod 755 c; chmod 200 d
             touch -d '2020-01-02 03:04' a b c d; echo hello > d; touch -d '2021-01-02' d; ls -l",
            "total 4\n\
             -rwxr-x--- 1 agent agent 0 Jan  2  2020 a\n\
             -rw-r--r-- 1 agent agent 0 Jan  2  2020 b\n\
             -rwxr-xr-x 1 agent agent 0 Jan  2  2020 c\n\
             --w------- 1 agent agent 6 Jan  2  2021 d\n",
            0,
        ),
        (
            "mkdir d t; chmod 700 d; chmod 777 t; ln -s f l; ls -l | cut -c1-10; ls -l l | sed 's/.* l/l/'",
            "total 8\ndrwx------\nlrwxrwxrwx\ndrwxrwxrwx\nl -> f\n",
            0,
        ),
        (
            "umask 077; touch f; ls -l f | cut -d' ' -f1,3,4; ls -ln f | cut -d' ' -f3,4; ls -gG f | cut -d' ' -f3",
            "-rw------- agent agent\n1000 1000\n0\n",
            0,
        ),
        (
            "printf '%0100d' 1 > f; ln f g; truncate -s 9 h; touch -d '2020-05-06 07:08:09.5' f h; ls -lo --full-time",
            "total 12\n\
             -rw-r--r-- 2 agent 100 2020-05-06 07:08:09.500000000 +0000 f\n\
             -rw-r--r-- 2 agent 100 2020-05-06 07:08:09.500000000 +0000 g\n\
             -rw-r--r-- 1 agent   9 2020-05-06 07:08:09.500000000 +0000 h\n",
            0,
        ),
        (
            "truncate -s 999 a; truncate -s 1500 b; truncate -s 10189 c; truncate -s 1048575 d
             ls -lh --time-style=+ | tr -s ' ' | cut -d' ' -f5,6; ls -sh; ls -l --si d | cut -d' ' -f5",
            "\n999 a\n1.5K b\n10K c\n1.0M d\n\
             total 1.1M\n4.0K a\n4.0K b\n 12K c\n1.0M d\n1.1M\n",
            0,
        ),
        (
            "touch f; touch -d '2 days ago' g
             [ \"$(ls -l f)\" = \"$(stat -c '%A %h %U %G %s' f) $(date -r f '+%b %e %H:%M') f\" ] &&
             [ \"$(ls -l g | cut -d' ' -f6-)\" = \"$(date -r g '+%b %e %H:%M') g\" ] &&
             [ \"$(ls -i f)\" = \"$(stat -c '%i' f) f\" ] && [ \"$(vdir f)\" = \"$(ls -l f)\" ]",
            "",
            0,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn special_bits_are_shown_where_files_keep_them() {
    let script = "touch s g; chmod 4755 s; chmod 2640 g; mkdir t; chmod 1777 t; ls -l | cut -c1-10";
    // A host's folder is never given them.
    let host = "total 4\n-rw-r-----\n-rwxr-xr-x\ndrwxrwxrwx\n";
    let tree = "total 4\n-rw-r-S---\n-rwsr-xr-x\ndrwxrwxrwt\n";
    check_on(Backing::HostDirectory, &[(script, host, 0)]).await;
    check_on(Backing::Tree, &[(script, tree, 0)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_chosen_and_ordered() {
    check(&[
        ("touch b .h a; ls; ls -A; ls -a", "a\nb\n.h\na\nb\n.\n..\n.h\na\nb\n", 0),
        (
            "touch -d 2020-01-01 old; touch -d 2021-01-01 new; touch -d 2020-06-01 mid; ls -t; ls -tr",
            "new\nmid\nold\nold\nmid\nnew\n",
            0,
        ),
        ("echo 123 > b; echo 1 > a; touch c; ls -S; ls -Sr", "b\na\nc\nc\na\nb\n", 0),
        ("touch a10.c a9.c b.a; ls -v; ls -X", "a9.c\na10.c\nb.a\nb.a\na10.c\na9.c\n", 0),
        ("mkdir z; touch a; ls --group-directories-first", "z\na\n", 0),
        ("touch a.o a.c 'b~'; ls -I '*.o' -B; ls --hide='*.c'", "a.c\na.o\nb~\n", 0),
        (
            "mkdir -p d/e; touch f d/g d/e/h; ls -R; ls f d",
            ".:\nd\nf\n\n./d:\ne\ng\n\n./d/e:\nh\nf\n\nd:\ne\ng\n",
            0,
        ),
        ("mkdir d; touch d/f; ln -s d l; ls -d d l; ls l; ls -ld l | cut -c1", "d\nl\nf\nl\n", 0),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_written_as_asked() {
    check(&[
        (
            "mkdir d; touch f x; chmod +x x; ln -s f l; ls -F; ls -p; ls -m",
            "d/\nf\nl@\nx*\nd/\nf\nl\nx\nd, f, l, x\n",
            0,
        ),
        (
            "touch a bbbb c dd e; ls -w 14 -T 0 -C; ls -w 14 -T 0 -x; dir; ls --zero | tr '\\0' ,; echo",
            "a     c   e\nbbbb  dd\na   bbbb  c\ndd  e\na  bbbb  c  dd\te\na,bbbb,c,dd,e,\n",
            0,
        ),
        (
            "touch 'a b' $'c\\nd'; ls; ls -Q; ls -b; ls -q; ls --quoting-style=shell-escape",
            "a b\nc\nd\n\"a b\"\n\"c\\nd\"\na\\ b\nc\\nd\na b\nc?d\n'a b'\n'c'$'\\n''d'\n",
            0,
        ),
        (
            "mkdir d; touch f x; chmod +x x; ls --color; ls --color=auto",
            "\x1b[0m\x1b[01;34md\x1b[0m\nf\n\x1b[01;32mx\x1b[0m\nd\nf\nx\n",
            0,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_has_gnus_words_and_statuses() {
    check(&[
        (
            "touch f; ls missing f 2>&1",
            "ls: cannot access 'missing': No such file or directory\nf\n",
            2,
        ),
        ("ln -s gone l; ls l; ls -L l 2>&1", "l\nls: cannot access 'l': No such file or directory\n", 2),
        (
            "ln -s gone l; ls -lL 2>&1",
            "ls: cannot access 'l': No such file or directory\ntotal 0\nl????????? ? ? ? ?            ? l\n",
            1,
        ),
        ("ls -y 2>&1", "ls: invalid option -- 'y'\nTry 'ls --help' for more information.\n", 2),
        (
            "ls --al 2>&1",
            "ls: option '--al' is ambiguous; possibilities: '--all' '--almost-all'\nTry 'ls --help' for more information.\n",
            2,
        ),
        ("ls --help | head -n 1; ls --version | cut -d' ' -f1", "Usage: ls [OPTION]... [FILE]...\nls\n", 0),
    ])
    .await;
}
