//! What the program prints where no terminal reads it.

use std::process::Command;

#[test]
fn without_a_terminal_tables_follow_each_other() {
    let program = Command::new(env!("CARGO_BIN_EXE_sampling-example"))
        .args(["--seconds", "2", "--addr", "127.0.0.1:0", "--requests-per-second", "100"])
        .output()
        .unwrap();
    let text = String::from_utf8(program.stdout).unwrap();
    assert!(program.status.success(), "{text}{}", String::from_utf8_lossy(&program.stderr));
    assert!(text.starts_with("2 s: the rule for orders is 10 /s, then 10 %, and changes in 2"), "{text}");
    for part in [
        "decided by",
        "/api/payments/{id}",
        "override always  path=/api/payments*",
        "rule orders",
        "/sampling",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains('\x1b'), "{text}");
}
