//! The workspace as Cargo sees it, and its source files.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// One package of the workspace.
pub struct Package {
    /// Its folder under the root, `shared/engine` for example.
    pub folder: String,
    /// What the shipped code depends on.
    pub dependencies: BTreeSet<String>,
    /// Its binaries.
    pub binaries: BTreeSet<String>,
}

/// Every package by its name.
pub fn packages() -> BTreeMap<String, Package> {
    let arguments = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (text(&package["name"]), described(package))).collect()
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A file of the workspace.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Rust file under a folder, by its path under the root.
pub fn rust_files(folder: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    assert!(!files.is_empty(), "{folder} holds no Rust file: correct this test");
    files
}

/// The files of a package that ship: without tests.
pub fn shipped_files(folder: &str) -> BTreeMap<String, String> {
    let files = rust_files(&format!("{folder}/src")).into_iter();
    let shipped = files.filter(|(name, _)| !is_test_file(name));
    shipped.map(|(name, content)| (name, without_tests(&content).to_owned())).collect()
}

/// A file of nothing but tests.
pub fn is_test_file(name: &str) -> bool {
    name.split('/').any(|part| part == "tests") || name.ends_with("tests.rs")
}

/// A file up to its tests, which stand last.
pub fn without_tests(content: &str) -> &str {
    content.find("\n#[cfg(test)]\nmod ").map_or(content, |tests| &content[..tests])
}

fn described(package: &Value) -> Package {
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap();
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    // Without a kind: neither for tests nor for build scripts.
    let shipped = dependencies.filter(|dependency| dependency["kind"].is_null());
    let targets = package["targets"].as_array().unwrap().iter();
    let binaries = targets.filter(|target| target["kind"].as_array().unwrap().contains(&Value::from("bin")));
    Package {
        folder: folder.to_string_lossy().into_owned(),
        dependencies: shipped.map(|dependency| text(&dependency["name"])).collect(),
        binaries: binaries.map(|target| text(&target["name"])).collect(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
