//! Facts about `entra-mirror rules check`: what it prints, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test stops where its world is not as it should be")]

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};

const FAULTY: &str = "[[grant]]
group = '^AWS-(?<acount>.+)$'
[[grant]]
group = 'Devs'
permission_set = 'View'
acounts = ['111122223333']
";

/// Checks a file that holds this text, and says what was printed and whether the command ended with 0.
fn check(name: &str, text: &str, options: &[&str]) -> (String, Output) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    let output = run(&[&["rules", "check", file.to_str().unwrap()], options].concat());
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    (printed.replace(file.to_str().unwrap(), "FILE"), output)
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_entra-mirror")).args(arguments).output().unwrap()
}

#[test]
fn the_example_of_the_readme_has_no_fault() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let example = readme.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let (printed, output) = check("example.toml", example, &[]);
    assert_eq!(printed, "FILE: 3 grants, 0 errors, 0 warnings\n");
    assert!(output.status.success());
}

#[test]
fn every_fault_is_one_line_that_an_editor_can_jump_to_and_the_command_fails() {
    let (printed, output) = check("faulty.toml", FAULTY, &[]);
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert!(lines[0].starts_with("FILE:2:9: error: the expression has no `(?<account>…)`"), "{printed}");
    assert_eq!(lines[1], "FILE:6:1: error: unknown key `acounts`; did you mean `accounts`?");
    assert_eq!(lines[2], "FILE: 0 grants, 2 errors, 0 warnings");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_warning_is_printed_and_is_no_failure() {
    let (printed, output) = check("empty.toml", "", &[]);
    assert!(printed.starts_with("FILE:1:1: warning: there is no grant"), "{printed}");
    assert!(output.status.success());
}

#[test]
fn json_is_one_object_with_every_fault() {
    let (printed, output) = check("json.toml", FAULTY, &["--json"]);
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((&report["file"], &report["grants"]), (&json!("FILE"), &json!(0)));
    assert_eq!(report["faults"].as_array().unwrap().len(), 2);
    let expected = json!({
        "line": 6, "column": 1, "severity": "error",
        "message": "unknown key `acounts`; did you mean `accounts`?",
    });
    assert_eq!(report["faults"][1], expected);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_file_that_is_not_there_is_an_error_that_names_it() {
    let output = run(&["rules", "check", "no-such.toml"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("entra-mirror: cannot read no-such.toml: "), "{said}");
    assert_eq!(output.status.code(), Some(1));
}
