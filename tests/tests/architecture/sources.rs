//! Facts about the source files.

use crate::workspace::{is_test_file, packages, rust_files, shipped_files, without_tests};

/// Lines of a file without its tests.
const LONGEST_FILE: usize = 400;
/// Lines of a binary's main file, which only wires.
const LONGEST_MAIN: usize = 50;

#[test]
fn only_wiring_reads_the_environment() {
    let packages = packages();
    let mut readers = Vec::new();
    for package in packages.values().filter(|package| package.folder != "tests") {
        for (name, content) in shipped_files(&package.folder) {
            let code = content.lines().filter(|line| !line.trim_start().starts_with("//"));
            // Where this program and the folder for temporary files are says nothing of how it is to behave.
            let is_place =
                |line: &str| line.contains("env::current_exe()") || line.contains("env::temp_dir()");
            if code.into_iter().any(|line| line.contains("env::") && !is_place(line)) {
                readers.push(name);
            }
        }
    }
    assert_eq!(
        readers,
        ["shared/wiring/src/configuration.rs"],
        "read it in wiring, and pass on what it says"
    );
}

#[test]
fn no_file_is_too_long_to_be_read_at_once() {
    for (name, content) in all_files().filter(|(name, _)| !is_test_file(name)) {
        let lines = without_tests(&content).lines().count();
        assert!(
            lines <= LONGEST_FILE,
            "{name} has {lines} lines without its tests: split it by what it says"
        );
    }
}

#[test]
fn a_binary_only_wires() {
    let packages = packages();
    let mains = packages.values().filter(|package| package.folder != "tests" && !package.binaries.is_empty());
    for package in mains {
        let name = format!("{}/src/main.rs", package.folder);
        let lines = crate::workspace::read(&name).lines().count();
        assert!(lines <= LONGEST_MAIN, "{name} has {lines} lines: move what it decides to the library");
    }
}

#[test]
fn every_file_opens_with_a_line_that_says_what_stands_in_it() {
    for (name, content) in all_files() {
        assert!(
            content.starts_with("//! "),
            "{name} opens with something else: say in one line what stands in it"
        );
    }
}

#[test]
fn only_the_engines_apply_writes_to_identity_center() {
    for (name, content) in shipped_files("shared/engine") {
        let writes = content.lines().any(|line| line.contains("writer.") && line.contains(".await"));
        assert!(
            !writes || name.ends_with("/apply.rs"),
            "{name} writes past apply.rs, and so past the guard rail"
        );
    }
}

fn all_files() -> impl Iterator<Item = (String, String)> {
    ["cli", "functions", "shared", "tests"].into_iter().flat_map(rust_files)
}
