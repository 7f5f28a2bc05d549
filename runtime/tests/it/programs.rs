//! What the programs on PATH do, as a user of GNU's would expect. Each case is a shell script.

use crate::kernel::{Backing, hands_on};

/// A script, what it prints, and its status.
pub(crate) type Case = (&'static str, &'static str, u8);

async fn check(cases: &[Case]) {
    check_on(Backing::HostDirectory, cases).await;
}

pub(crate) async fn check_on(backing: Backing, cases: &[Case]) {
    let mut wrong = Vec::new();
    for &(script, expected, status) in cases {
        let hands = hands_on(backing, |_| {});
        let ran = hands.run(&["bash", "-c", script], "").await;
        let code = match &ran.status {
            Ok(status) => i32::from(status.code()),
            Err(error) => {
                wrong.push(format!("{script}\n  did not run: {error}"));
                continue;
            }
        };
        if ran.stdout != expected || code != i32::from(status) {
            wrong.push(format!(
                "{script}\n  status {code} for {status}\n  {:?}\n  for {expected:?}\n  stderr {:?}",
                ran.stdout, ran.stderr
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} wrong on {backing:?}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn coreutils() {
    check(&[
        ("seq 3 | tac | paste -sd,", "3,2,1\n", 0),
        (
            "printf 'b\\na\\nb\\n' | sort | uniq -c | sort -rn | awk '{print $2, $1}'",
            "b 2\na 1\n",
            0,
        ),
        ("echo hello | tr a-z A-Z", "HELLO\n", 0),
        ("printf 'a:b:c\\n' | cut -d: -f2", "b\n", 0),
        (
            "mkdir -p a/b && touch a/b/c && ls a/b && rm -r a && ls",
            "c\n",
            0,
        ),
        ("echo x > f && cp f g && mv g h && cat f h", "x\nx\n", 0),
        ("/usr/bin/[ 1 = 2 ]", "", 1),
        ("env false", "", 1),
        (
            "printf abc | sha256sum",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  -\n",
            0,
        ),
        ("printf abc | base64", "YWJj\n", 0),
        ("basename /a/b.txt .txt; dirname /a/b.txt", "b\n/a\n", 0),
        ("yes | head -n 2", "y\ny\n", 0),
        ("seq 10 | head -c 4 | wc -c", "4\n", 0),
        ("seq 5 | tail -n 2", "4\n5\n", 0),
        ("date -u -d @0 +%F", "1970-01-01\n", 0),
        ("expr 6 '*' 7", "42\n", 0),
        ("cat missing", "", 1),
        ("cat <(echo a) /dev/null - <<< b", "a\nb\n", 0),
        (r"printf 'a\n\n\nb\tc\001' | cat -sA", "a$\n$\nb^Ic^A", 0),
        (
            "printf 'a\n\nb\n' > f; cat -n f; cat -b f",
            "     1\ta\n     2\t\n     3\tb\n     1\ta\n\n     2\tb\n",
            0,
        ),
        ("echo a > f; ln -s f l; readlink l; cat l", "f\na\n", 0),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn find_and_xargs() {
    check(&[
        (
            "mkdir -p a/b; touch a/x.rs a/b/y.rs a/z.txt; find a -name '*.rs' | sort",
            "a/b/y.rs\na/x.rs\n",
            0,
        ),
        (
            "mkdir -p a/b; touch a/x a/b/y; find a -type f -exec basename {} \\; | sort",
            "x\ny\n",
            0,
        ),
        (
            "mkdir d; touch d/1 d/2 d/3; find d -type f -exec echo {} + | wc -l",
            "1\n",
            0,
        ),
        (
            "mkdir -p d/n; touch d/k d/n/k; find d -name n -prune -o -name k -print",
            "d/k\n",
            0,
        ),
        (
            "mkdir d; echo 12345 > d/f; touch d/e; find d -type f -size +3c; find d -empty",
            "d/f\nd/e\n",
            0,
        ),
        ("mkdir d; touch d/f; find d -type f -delete; ls d", "", 0),
        ("mkdir -p d/e/f; find d -maxdepth 1 -mindepth 1", "d/e\n", 0),
        (
            "touch a b; chmod 755 a; chmod 600 b; find . -type f -perm -u+x",
            "./a\n",
            0,
        ),
        ("touch abc; find . -type f -printf '%f %s\\n'", "abc 0\n", 0),
        ("find . \\( -name x -o -name y \\) ! -type d", "", 0),
        ("find missing", "", 1),
        (
            "touch 'a b' c; find . -type f -print0 | sort -z | xargs -0 -n1 echo",
            "./a b\n./c\n",
            0,
        ),
        ("seq 5 | xargs", "1 2 3 4 5\n", 0),
        ("seq 5 | xargs -n 2 echo", "1 2\n3 4\n5\n", 0),
        (
            "printf 'a b\\nc\\n' | xargs -I{} echo '<{}>'",
            "<a b>\n<c>\n",
            0,
        ),
        ("printf '' | xargs -r echo no", "", 0),
        ("echo 1 | xargs false", "", 123),
        ("echo 1 | xargs no-such-program", "", 127),
        ("echo '\"a b\" c' | xargs -n1", "a b\nc\n", 0),
        ("seq 4 | xargs -P 2 -n 1 echo | sort", "1\n2\n3\n4\n", 0),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wasi_lacks() {
    check(&[
        ("env -i A=1 env", "A=1\nPWD=/workspace\n", 0),
        ("env A=1 B=2 printenv A", "1\n", 0),
        ("env no-such-program", "", 127),
        ("timeout 0.1 sleep 5", "", 124),
        ("timeout 5 sh -c 'exit 3'", "", 3),
        (
            "touch f; chmod 640 f; stat -c %a f; chmod +x f; stat -c %a f",
            "640\n751\n",
            0,
        ),
        (
            "printf '#!/bin/sh\\necho script $1\\n' > s; chmod +x s; env ./s x",
            "script x\n",
            0,
        ),
        (
            "printf '#!/usr/bin/env bash\\necho b\\n' > s; chmod +x s; echo | xargs ./s",
            "b\n",
            0,
        ),
        ("touch f; env ./f", "", 126),
        ("whoami; id -u", "agent\n1000\n", 0),
        ("which ls cat | wc -l", "2\n", 0),
        ("which no-such-program", "", 1),
        (
            "echo hi > f; install -D -m 700 f a/b/g; cat a/b/g; stat -c %a a/b/g",
            "hi\n700\n",
            0,
        ),
        ("mkdir d; printf 12345 > d/f; du -b d/f", "5\td/f\n", 0),
        (
            "dd if=/dev/zero of=z bs=1k count=3 2>/dev/null; wc -c < z",
            "3072\n",
            0,
        ),
        (
            "printf abcdef | dd bs=1 skip=2 count=3 status=none",
            "cde",
            0,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grep_and_rg() {
    check(&[
        ("printf 'a\\nb\\nab\\n' | grep -n b", "2:b\n3:ab\n", 0),
        ("printf 'a\\n' | grep -q b", "", 1),
        ("grep x missing", "", 2),
        ("printf 'foo\\nbar\\n' | grep 'foo\\|bar' | wc -l", "2\n", 0),
        ("printf 'a+b\\n' | grep 'a+b'", "a+b\n", 0),
        ("printf 'aab\\n' | grep -E 'a{2}b'", "aab\n", 0),
        ("printf 'a.c\\nabc\\n' | grep -F a.c", "a.c\n", 0),
        ("printf 'Foo\\n' | grep -ic foo", "1\n", 0),
        ("printf 'x1y22\\n' | grep -oE '[0-9]+'", "1\n22\n", 0),
        (
            "mkdir d; echo hit > d/a; echo hit > d/b.txt; grep -rl hit d --include='*.txt'",
            "d/b.txt\n",
            0,
        ),
        (
            "mkdir d; echo hit > d/a; echo no > d/b; grep -r hit d; grep -L hit d/a d/b",
            "d/a:hit\nd/b\n",
            0,
        ),
        ("seq 9 | grep -A1 -B1 5", "4\n5\n6\n", 0),
        ("printf 'a\\nb\\n' | grep -v a", "b\n", 0),
        ("printf 'ab\\n' | grep -w a", "", 1),
        ("seq 30 | grep -m 2 1", "1\n10\n", 0),
        (
            "mkdir d; echo hit > d/a.rs; echo hit > d/.hidden; rg hit d",
            "d/a.rs:hit\n",
            0,
        ),
        (
            "mkdir d; echo hit > d/a.rs; touch d/b.py; rg --files -t rust d",
            "d/a.rs\n",
            0,
        ),
        ("echo 'x = 1' | rg -o '\\w+' -r '<$0>'", "<x>\n<1>\n", 0),
        (
            "mkdir .git; echo skip > .gitignore; echo hit > skip; echo hit > keep; rg hit",
            "keep:hit\n",
            0,
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sed_awk_jq_diff() {
    check(&[
        ("echo hello | sed 's/l/L/2'", "helLo\n", 0),
        ("printf 'a\\nb\\nc\\n' | sed -n '2,$p'", "b\nc\n", 0),
        ("echo abc > f; sed -i 's/b/X/' f; cat f", "aXc\n", 0),
        ("echo ab | sed -E 's/(a)(b)/\\2\\1/'", "ba\n", 0),
        ("printf 'a\\nb\\n' | sed '/a/d'", "b\n", 0),
        (
            "printf 'x\\n' | sed -e 'i top' -e 'a end'",
            "top\nx\nend\n",
            0,
        ),
        (
            "printf '1 2\\n3 4\\n' | awk '{s += $2} END {print s}'",
            "6\n",
            0,
        ),
        (
            "printf 'a,b\\n' | awk -F, -v p='>' '{print p $2}'",
            ">b\n",
            0,
        ),
        ("awk 'BEGIN {printf \"%.2f\\n\", 1/3; exit 4}'", "0.33\n", 4),
        (
            "echo '{\"a\":[1,2]}' | jq -c '.a | map(. + 1)'",
            "[2,3]\n",
            0,
        ),
        (
            "echo '{\"b\":1,\"a\":\"x\"}' | jq -S .",
            "{\n  \"a\": \"x\",\n  \"b\": 1\n}\n",
            0,
        ),
        ("echo '{\"a\":\"x\"}' | jq -r .a", "x\n", 0),
        (
            "jq -n --arg v 1 --argjson w '{\"k\":2}' '[$v, $w.k]' -c",
            "[\"1\",2]\n",
            0,
        ),
        ("printf '1 2 3' | jq -s add", "6\n", 0),
        ("printf 'a\\nb\\n' | jq -R .", "\"a\"\n\"b\"\n", 0),
        ("echo null | jq -e .", "null\n", 1),
        ("echo '{' | jq .", "", 2),
        (
            "echo 1 > a; echo 2 > b; diff a b",
            "1c1\n< 1\n---\n> 2\n",
            1,
        ),
        ("echo 1 > a; cp a b; diff a b", "", 0),
        (
            "seq 3 > a; printf '1\\n2x\\n3\\n' > b; diff -u --label a --label b a b",
            "--- a\n+++ b\n@@ -1,3 +1,3 @@\n 1\n-2\n+2x\n 3\n",
            1,
        ),
        (
            "mkdir x y; echo 1 > x/f; echo 2 > y/f; diff -rq x y",
            "Files x/f and y/f differ\n",
            1,
        ),
        ("diff a b", "", 2),
        (
            "printf ab > a; printf ac > b; cmp a b",
            "a b differ: byte 2, line 1\n",
            1,
        ),
    ])
    .await;
}
