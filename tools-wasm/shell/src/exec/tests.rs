//! Scripts, and what they print. Each runs in this process on the native kernel.

use std::rc::Rc;

use crate::Shell;
use crate::kernel::Kernel;
use crate::kernel::native::Native;

/// What a script prints, errors included, and its status.
fn run(script: &str) -> (String, i32) {
    let output = Native.buffer().unwrap();
    let mut shell = Shell::new(Rc::new(Native));
    shell.start();
    shell.set_descriptors(|descriptors| {
        descriptors.insert(1, Rc::clone(&output));
        descriptors.insert(2, Rc::clone(&output));
    });
    let result = shell.run_text(script, 1, "");
    let status = shell.finish(result);
    (
        crate::text::decode(crate::expand::read_all(&output)),
        status,
    )
}

fn prints(cases: &[(&str, &str)]) {
    for (script, want) in cases {
        assert_eq!(run(script).0, *want, "{script}");
    }
}

#[test]
fn words() {
    prints(&[
        ("x='a  b'; echo $x \"$x\"", "a b a  b\n"),
        (
            "set -- 'one two' three; for i in \"$@\"; do echo \"<$i>\"; done",
            "<one two>\n<three>\n",
        ),
        (
            "echo {a,b}{1..2} ~+/x | cat >/dev/null; echo a{1..3}b",
            "a1b a2b a3b\n",
        ),
        (
            "v=path/to/file.tar.gz; echo ${v##*/} ${v%%.*} ${v/to/from} ${v:5:2} ${#v}",
            "file.tar.gz path/to/file path/from/file.tar.gz to 19\n",
        ),
        ("unset u; echo ${u:-d} ${u=e} $u ${u:+f}", "d e e f\n"),
        (
            "a=(x y z); echo ${a[1]} ${#a[@]} ${a[@]:1} ${!a[@]}; a+=(w); echo ${a[-1]}",
            "y 3 y z 0 1 2\nw\n",
        ),
        (
            "declare -A m=([k]=v [two words]=w); echo ${m[two words]} ${#m[@]}",
            "w 2\n",
        ),
        ("n=v; v=1; declare -n r=n; echo ${!n} $r", "1 v\n"),
        ("x=abc; echo ${x^} ${x^^} ${x@Q}", "Abc ABC 'abc'\n"),
        (
            "echo $'tab\\there' $((2**10)) $(( 7 % 4 ? 1 : 0 ))",
            "tab\there 1024 1\n",
        ),
        (
            "cat <<EOF\n$((1 + 1)) $(echo sub) \\$x\nEOF\n",
            "2 sub $x\n",
        ),
        ("cat <<'EOF'\n$x\nEOF\n", "$x\n"),
    ]);
}

#[test]
fn control() {
    prints(&[
        (
            "if false; then echo a; elif true; then echo b; else echo c; fi",
            "b\n",
        ),
        (
            "i=0; while ((i < 3)); do ((i++)); [ $i = 2 ] && continue; echo $i; done",
            "1\n3\n",
        ),
        ("for ((i = 0; i < 2; i++)); do echo $i; done", "0\n1\n"),
        (
            "case abc in x) echo x;; a*|b) echo a;;& *c) echo c;; esac",
            "a\nc\n",
        ),
        (
            "f() { local v=$1; ((v > 0)) && f $((v - 1)); echo $v; }; f 2",
            "0\n1\n2\n",
        ),
        (
            "for i in 1 2; do for j in 1 2; do break 2; done; done; echo $i$j",
            "11\n",
        ),
        ("[[ abc =~ ^a(.)c$ ]] && echo ${BASH_REMATCH[1]}", "b\n"),
        ("! true || echo no; true && echo yes", "no\nyes\n"),
        ("(x=1; exit 3); echo $? ${x-unset}", "3 unset\n"),
        ("trap 'echo bye' EXIT; echo hi", "hi\nbye\n"),
        ("eval 'echo a;' echo b", "a\nb\n"),
        (
            "false | true; echo ${PIPESTATUS[@]}; set -o pipefail; false | true; echo $?",
            "1 0\n1\n",
        ),
        (
            "while read -r a b; do echo \"$b-$a\"; done <<< $'1 2\\n3 4 5'",
            "2-1\n4 5-3\n",
        ),
        (
            "printf '%05.1f|%-4s|%x\\n' 3.14159 ab 255",
            "003.1|ab  |ff\n",
        ),
        (
            "alias x=echo; shopt -s expand_aliases\nalias hi='echo hello'\nhi there",
            "hello there\n",
        ),
    ]);
}

#[test]
fn failures() {
    for (script, want, status) in [
        ("nosuch", "bash: line 1: nosuch: command not found\n", 127),
        ("set -e\nfalse\necho no", "", 1),
        (
            "set -u\necho $nothing\necho no",
            "bash: line 2: nothing: unbound variable\n",
            1,
        ),
        (
            "echo )",
            "bash: line 1: syntax error near unexpected token `)'\nbash: line 1: `echo )'\n",
            2,
        ),
        (
            "echo $((1/0))\necho next",
            "bash: line 1: 1/0: division by 0 (error token is \"0\")\nnext\n",
            0,
        ),
        (
            "readonly r=1; r=2\necho $r",
            "bash: line 1: r: readonly variable\n1\n",
            0,
        ),
        (
            "cd /nonexistent",
            "bash: line 1: cd: /nonexistent: No such file or directory\n",
            1,
        ),
        (
            "if true; then",
            "bash: line 1: syntax error: unexpected end of file\n",
            2,
        ),
        ("f() { return 7; }; f", "", 7),
        ("exit 300", "", 44),
    ] {
        assert_eq!(run(script), (want.to_owned(), status), "{script}");
    }
}

#[test]
fn functions_print_as_they_are_laid_out_by_bash() {
    let (printed, _) =
        run("f() { if a; then b | c; fi; for x in 1 2; do echo \"$x\" > y; done; }; declare -f f");
    let want = "f () \n{ \n    if a; then\n        b | c;\n    fi;\n    for x in 1 2;\n    do\n        echo \"$x\" > y;\n    done\n}\n";
    assert_eq!(printed, want);
}

#[test]
fn state_survives_as_bytes() {
    let mut shell = Shell::new(Rc::new(Native));
    shell.start();
    shell
        .run_text(
            "x=1; a=(1 2); f() { echo $x ${a[1]}; }; alias g=h; cd /; set -o pipefail",
            1,
            "",
        )
        .unwrap();
    let bytes = crate::Saved::of(&mut shell, "f".to_owned(), 1).to_bytes();
    let output = Native.buffer().unwrap();
    let mut other = Shell::new(Rc::new(Native));
    other.set_descriptors(|descriptors| {
        descriptors.insert(1, Rc::clone(&output));
    });
    let (program, line) = crate::Saved::from_bytes(&bytes)
        .unwrap()
        .restore(&mut other);
    other.run_text(&program, line, "").unwrap();
    assert_eq!(crate::expand::read_all(&output), b"1 2\n");
    assert_eq!(other.state.directory, "/");
    assert!(other.is_set(crate::options::Set::Pipefail));
}
