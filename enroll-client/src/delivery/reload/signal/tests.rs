//! Who gets a signal, and who never does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::*;

/// A program of this test alone: a copy of the shell, which says what it was sent.
struct Program {
    directory: tempfile::TempDir,
}

struct Running {
    child: Child,
    says: BufReader<ChildStdout>,
    _input: ChildStdin,
}

impl Program {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy("/bin/sh", directory.path().join("program")).unwrap();
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().canonicalize().unwrap().join("program")
    }

    fn start(&self, script: &str) -> Running {
        let mut child = Command::new(self.path())
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut running =
            Running { says: BufReader::new(child.stdout.take().unwrap()), _input: child.stdin.take().unwrap(), child };
        assert_eq!(running.next(), "ready\n");
        running
    }

    fn order(&self) -> SignalOrder {
        SignalOrder { signal: Signal::Hup, pid_file: None, executable: self.path(), user: None }
    }

    fn with_pid_file(&self, text: &str) -> SignalOrder {
        let path = self.directory.path().join("pid");
        std::fs::write(&path, text).unwrap();
        SignalOrder { pid_file: Some(path), ..self.order() }
    }
}

impl Running {
    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        line
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Says which signals it gets, for as long as the test may take.
const LOYAL: &str = "trap 'echo hup' HUP; trap 'echo usr1' USR1; trap 'echo usr2' USR2; echo ready; \
                     i=0; while [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done";

#[test]
fn the_process_of_the_pid_file_gets_it() {
    let program = Program::new();
    for (signal, expected) in [(Signal::Hup, "hup\n"), (Signal::Usr1, "usr1\n"), (Signal::Usr2, "usr2\n")] {
        let mut running = program.start(LOYAL);
        // As nginx writes it, and as PostgreSQL does.
        for more in ["\n", "\n/var/lib/postgresql\n1900000000\n"] {
            let order = SignalOrder { signal, ..program.with_pid_file(&format!("{}{more}", running.pid())) };
            let order = SignalOrder { user: Some(rustix::process::geteuid().as_raw()), ..order };
            assert_eq!(tell(&order).unwrap(), Told::Done);
            assert_eq!(running.next(), expected);
        }
    }
}

#[test]
fn the_only_process_of_the_program_gets_it_and_of_a_family_the_parent() {
    let program = Program::new();
    assert_eq!(tell(&program.order()).unwrap(), Told::Nobody);
    let mut running = program.start(LOYAL);
    assert_eq!(tell(&program.order()).unwrap(), Told::Done);
    assert_eq!(running.next(), "hup\n");
    {
        let _second = program.start(LOYAL);
        assert!(matches!(tell(&program.order()), Err(SignalError::Ambiguous { found: 2, .. })));
    }
    drop(running);
    let script = "child() { sleep 0.2; sleep 0.2; }; trap 'echo parent' HUP; \
                  (while child; do :; done) >/dev/null & (while child; do :; done) >/dev/null & \
                  echo ready; i=0; while [ $i -lt 600 ]; do sleep 0.05; i=$((i+1)); done";
    let mut running = program.start(script);
    assert_eq!(tell(&program.order()).unwrap(), Told::Done);
    assert_eq!(running.next(), "parent\n");
    // The children end with the test.
    let _sent = Command::new("pkill").args(["-9", "-P", &running.pid().to_string()]).status();
}

#[track_caller]
fn check_refused(order: &SignalOrder, expected: &str) {
    let told = crate::report::chain(&tell(order).unwrap_err());
    assert!(told.contains(expected), "{told}");
}

#[test]
fn what_is_not_the_program_never_gets_it() {
    let (program, other) = (Program::new(), Program::new());
    let mut running = program.start(LOYAL);
    let pid = format!("{}\n", running.pid());
    // The pid file is stale, and its number is another program's now.
    check_refused(&other.with_pid_file(&pid), &format!("process {} is ", running.pid()));
    let another_user = SignalOrder { user: Some(4711), ..program.with_pid_file(&pid) };
    check_refused(&another_user, "of user 4711");
    let nobody = SignalOrder { user: Some(4711), ..program.order() };
    assert_eq!(tell(&nobody).unwrap(), Told::Nobody);
    // The same name, another file: replaced since it was started.
    std::fs::remove_file(program.path()).unwrap();
    std::fs::copy("/bin/sh", program.path()).unwrap();
    check_refused(&program.with_pid_file(&pid), "(deleted)");
    std::fs::remove_file(program.path()).unwrap();
    running.child.kill().unwrap();
    assert_eq!(running.next(), "", "it was sent nothing");
}

/// T-60: whatever becomes of the number between the two looks, no signal is sent.
#[test]
fn a_process_that_changes_while_it_is_looked_at_gets_none() {
    let program = Program::new();
    let mut running = program.start(
        "trap 'echo hup' HUP; echo ready; read -r x; exec /bin/sh -c 'trap \"echo hup\" HUP; echo ready; read -r x'",
    );
    let open = |pid| rustix::process::pidfd_open(pid, PidfdFlags::empty());
    let changed = tell_one(running.pid(), &program.order(), |pid| {
        let opened = open(pid);
        writeln!(running._input).unwrap();
        assert_eq!(running.next(), "ready\n");
        opened
    });
    assert!(matches!(changed, Err(SignalError::Changed { .. })), "{changed:?}");
    writeln!(running._input).unwrap();
    assert_eq!(running.next(), "", "it was sent nothing");

    let mut running = program.start(LOYAL);
    let gone = tell_one(running.pid(), &program.order(), |pid| {
        let opened = open(pid);
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        opened
    });
    assert!(matches!(gone, Err(SignalError::Changed { .. })), "{gone:?}");
    assert_eq!(tell_one(running.pid(), &program.order(), open).unwrap(), Told::Nobody);
    std::mem::forget(running);
    let mut running = program.start(LOYAL);
    let before = tell_one(running.pid(), &program.order(), |pid| {
        running.child.kill().unwrap();
        running.child.wait().unwrap();
        open(pid)
    });
    assert_eq!(before.unwrap(), Told::Nobody);
    std::mem::forget(running);
}

#[test]
fn pid_files() {
    let program = Program::new();
    for text in ["", "\n", "0\n", "1\n", "-5\n", "+5\n", "5x\n", " \n5\n", "99999999999\n", "x"] {
        check_refused(&program.with_pid_file(text), "does not begin with a process id");
    }
    // No process has so high a number (proc(5): at most 2^22).
    assert_eq!(tell(&program.with_pid_file("99999999\n")).unwrap(), Told::Nobody);
    let order = program.with_pid_file("4711\n");
    let path = order.pid_file.clone().unwrap();
    for mode in [0o664, 0o646, 0o666] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        check_refused(&order, "nobody else's to write");
    }
    let link = program.directory.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    check_refused(&SignalOrder { pid_file: Some(link), ..program.order() }, "cannot be read");
    check_refused(&SignalOrder { pid_file: Some("/dev/null".into()), ..program.order() }, "nobody else's to write");
    let missing = SignalOrder { pid_file: Some("/nonexistent/pid".into()), ..program.order() };
    assert_eq!(tell(&missing).unwrap(), Told::Nobody);
}

/// A process of that name whose program is not shown to us (we are somebody without CAP_SYS_PTRACE) may be the one: that is no "nobody".
#[test]
fn what_is_hidden_counts() {
    let program = Program::new();
    let running = program.start(LOYAL);
    assert!(may_be(running.pid(), &program.order()));
    let us = rustix::process::geteuid().as_raw();
    assert!(may_be(running.pid(), &SignalOrder { user: Some(us), ..program.order() }));
    assert!(!may_be(running.pid(), &SignalOrder { user: Some(us + 1), ..program.order() }));
    assert!(!may_be(running.pid(), &SignalOrder { executable: "/usr/bin/progra".into(), ..program.order() }));
    assert!(!may_be(99_999_999, &program.order()));
}
