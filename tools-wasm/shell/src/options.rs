//! `set -o` and `shopt`: two tables of switches.

use serde::{Deserialize, Serialize};

/// One switch: its place in the table.
macro_rules! switches {
    ($table:ident, $kind:ident, $( $variant:ident $name:literal $letter:literal $default:literal )*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $kind { $( $variant ),* }
        /// Name, letter (a blank when there is none) and default.
        pub const $table: &[($kind, &str, char, bool)] = &[ $( ($kind::$variant, $name, $letter, $default) ),* ];
    };
}

switches! { SET, Set,
    Allexport "allexport" 'a' false
    Braceexpand "braceexpand" 'B' true
    Emacs "emacs" ' ' false
    Errexit "errexit" 'e' false
    Errtrace "errtrace" 'E' false
    Functrace "functrace" 'T' false
    Hashall "hashall" 'h' true
    Histexpand "histexpand" 'H' false
    History "history" ' ' false
    Ignoreeof "ignoreeof" ' ' false
    InteractiveComments "interactive-comments" ' ' true
    Keyword "keyword" 'k' false
    Monitor "monitor" 'm' false
    Noclobber "noclobber" 'C' false
    Noexec "noexec" 'n' false
    Noglob "noglob" 'f' false
    Nolog "nolog" ' ' false
    Notify "notify" 'b' false
    Nounset "nounset" 'u' false
    Onecmd "onecmd" 't' false
    Physical "physical" 'P' false
    Pipefail "pipefail" ' ' false
    Posix "posix" ' ' false
    Privileged "privileged" 'p' false
    Verbose "verbose" 'v' false
    Vi "vi" ' ' false
    Xtrace "xtrace" 'x' false
}

switches! { SHOPT, Shopt,
    Autocd "autocd" ' ' false
    AssocExpandOnce "assoc_expand_once" ' ' false
    CdableVars "cdable_vars" ' ' false
    Cdspell "cdspell" ' ' false
    Checkhash "checkhash" ' ' false
    Checkjobs "checkjobs" ' ' false
    Checkwinsize "checkwinsize" ' ' true
    Cmdhist "cmdhist" ' ' true
    Compat31 "compat31" ' ' false
    Compat32 "compat32" ' ' false
    Compat40 "compat40" ' ' false
    Compat41 "compat41" ' ' false
    Compat42 "compat42" ' ' false
    Compat43 "compat43" ' ' false
    Compat44 "compat44" ' ' false
    CompleteFullquote "complete_fullquote" ' ' true
    Direxpand "direxpand" ' ' false
    Dirspell "dirspell" ' ' false
    Dotglob "dotglob" ' ' false
    Execfail "execfail" ' ' false
    ExpandAliases "expand_aliases" ' ' false
    Extdebug "extdebug" ' ' false
    Extglob "extglob" ' ' false
    Extquote "extquote" ' ' true
    Failglob "failglob" ' ' false
    ForceFignore "force_fignore" ' ' true
    Globasciiranges "globasciiranges" ' ' true
    Globskipdots "globskipdots" ' ' true
    Globstar "globstar" ' ' false
    GnuErrfmt "gnu_errfmt" ' ' false
    Histappend "histappend" ' ' false
    Histreedit "histreedit" ' ' false
    Histverify "histverify" ' ' false
    Hostcomplete "hostcomplete" ' ' true
    Huponexit "huponexit" ' ' false
    InheritErrexit "inherit_errexit" ' ' false
    InteractiveComments "interactive_comments" ' ' true
    Lastpipe "lastpipe" ' ' false
    Lithist "lithist" ' ' false
    LocalvarInherit "localvar_inherit" ' ' false
    LocalvarUnset "localvar_unset" ' ' false
    LoginShell "login_shell" ' ' false
    Mailwarn "mailwarn" ' ' false
    NoEmptyCmdCompletion "no_empty_cmd_completion" ' ' false
    Nocaseglob "nocaseglob" ' ' false
    Nocasematch "nocasematch" ' ' false
    NoexpandTranslation "noexpand_translation" ' ' false
    Nullglob "nullglob" ' ' false
    PatsubReplacement "patsub_replacement" ' ' true
    Progcomp "progcomp" ' ' true
    ProgcompAlias "progcomp_alias" ' ' false
    Promptvars "promptvars" ' ' true
    RestrictedShell "restricted_shell" ' ' false
    ShiftVerbose "shift_verbose" ' ' false
    Sourcepath "sourcepath" ' ' true
    VarredirClose "varredir_close" ' ' false
    XpgEcho "xpg_echo" ' ' false
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
pub struct Options {
    set: u64,
    shopt: u64,
}

impl Default for Options {
    fn default() -> Self {
        let bits = |on: &mut dyn Iterator<Item = bool>| {
            on.enumerate()
                .fold(0, |bits, (index, on)| bits | (u64::from(on) << index))
        };
        Self {
            set: bits(&mut SET.iter().map(|entry| entry.3)),
            shopt: bits(&mut SHOPT.iter().map(|entry| entry.3)),
        }
    }
}

impl Options {
    pub fn set(&self, switch: Set) -> bool {
        self.set & (1 << switch as u64) != 0
    }

    pub fn shopt(&self, switch: Shopt) -> bool {
        self.shopt & (1 << switch as u64) != 0
    }

    pub fn put(&mut self, switch: Set, on: bool) {
        self.set = if on {
            self.set | 1 << switch as u64
        } else {
            self.set & !(1 << switch as u64)
        };
    }

    pub fn put_shopt(&mut self, switch: Shopt, on: bool) {
        self.shopt = if on {
            self.shopt | 1 << switch as u64
        } else {
            self.shopt & !(1 << switch as u64)
        };
    }
}

pub fn set_by_letter(letter: char) -> Option<Set> {
    SET.iter()
        .find(|entry| entry.2 == letter && letter != ' ')
        .map(|entry| entry.0)
}

pub fn set_by_name(name: &str) -> Option<Set> {
    SET.iter()
        .find(|entry| entry.1 == name)
        .map(|entry| entry.0)
}

pub fn shopt_by_name(name: &str) -> Option<Shopt> {
    SHOPT
        .iter()
        .find(|entry| entry.1 == name)
        .map(|entry| entry.0)
}
