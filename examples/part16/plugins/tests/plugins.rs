//! The plugins as programs: alone, and found by `sestina`.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const DEADLINE: Duration = Duration::from_secs(30);
const POEM: &str = env!("CARGO_BIN_EXE_sestina-poem");
const TWO_POEMS: &str = env!("CARGO_BIN_EXE_sestina-two-poems");

fn poem(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../poetry/poems")
        .join(name)
        .canonicalize()
        .expect("it is there")
}

/// A program that serves; killed at the end.
struct Server(Child);

impl Server {
    /// Starts it; gives where it listens, in order.
    fn start(mut command: Command, places: usize) -> (Self, Vec<SocketAddr>) {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let server = Self(child);
        let mut said = Vec::new();
        let mut at = Vec::new();
        for line in log.lines() {
            let line = line.expect("it is text");
            if let Some((before, address)) = line.rsplit_once(" listening on ")
                && before.contains("[sestina#info]")
            {
                at.push(address.parse().expect("an address"));
            }
            said.push(line);
            if at.len() == places {
                return (server, at);
            }
        }
        panic!("it ended: {said:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn fetch(at: SocketAddr) -> Vec<u8> {
    let mut stream = TcpStream::connect(at).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout is possible");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the end is clean");
    bytes
}

/// The runner, if it was built beside these. In CI it was.
#[expect(clippy::print_stdout, reason = "a test that skips something says so")]
#[expect(clippy::disallowed_methods, reason = "what is demanded of a test is said in the environment")]
fn sestina() -> Option<Command> {
    let folder = Path::new(POEM).parent().expect("it is in a folder");
    let program = folder.join("sestina");
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(program.exists() || !is_ci, "`cargo build -p sestina-cli` makes {}", program.display());
    if !program.exists() {
        println!("skipped: sestina is not built");
        return None;
    }
    let mut command = Command::new(program);
    command.arg("--plugin-path").arg(folder).env("HOME", "/nowhere").env_remove("XDG_CACHE_HOME");
    Some(command)
}

fn says(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it is text")
}

// spec: P16-70, P16-76
#[test]
fn the_options_are_those_of_the_introduction() {
    let help = says(Command::new(POEM).args(["poem", "--help"]));
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "-p, --port <PORT> The port number to listen on [default: 10000]",
        "--poem <POEM> The file containing the poem",
        "--iface <IFACE> The interface to listen on [default: localhost]",
    ] {
        assert!(help.contains(words), "{help}");
    }
}

// spec: P16-66, P16-73
#[test]
fn they_say_what_they_are() {
    let version = env!("CARGO_PKG_VERSION");
    for (program, name, description) in [
        (POEM, "poem", "A fast poetry service"),
        (TWO_POEMS, "two-poems", "One or two fast poetry services, each on its port"),
    ] {
        let expected = format!(
            "{{\"description\":\"{description}\",\"name\":\"{name}\",\"protocol\":1,\"version\":\"{version}\"}}\n"
        );
        assert_eq!(says(Command::new(program).arg("--describe").env_clear()), expected);
    }
}

// spec: P16-60, P16-74
#[test]
fn sestina_lists_them() {
    let Some(mut sestina) = sestina() else { return };
    let help = says(sestina.arg("--help"));
    let list = help.split("Plugins that are programs of their own:\n").nth(1).expect("there is a list");
    for line in [
        "  poem       A fast poetry service",
        "  two-poems  One or two fast poetry services, each on its port",
    ] {
        assert!(list.lines().any(|listed| listed == line), "{list}");
    }
}

// spec: P16-64, P16-69, P16-71, P16-77
#[test]
fn sestina_runs_the_plugin() {
    let Some(mut command) = sestina() else { return };
    command.args(["-n", "poem", "--port", "0", "--poem"]).arg(poem("ecstasy.txt"));
    let (server, at) = Server::start(command, 1);
    assert!(fetch(at[0]) == std::fs::read(poem("ecstasy.txt")).expect("it is there"));
    if cfg!(target_os = "linux") {
        let name = std::fs::read_to_string(format!("/proc/{}/comm", server.0.id())).expect("it runs");
        assert_eq!(name.trim(), "sestina-poem", "ps knows it by its name");
    }
}

// spec: P16-79, P16-81
#[test]
fn one_or_two_poems_on_one_or_two_ports() {
    let mut one = Command::new(TWO_POEMS);
    one.args(["-n", "two-poems", "--port", "0", "--poem"]).arg(poem("ecstasy.txt"));
    let (_server, at) = Server::start(one, 1);
    assert!(fetch(at[0]) == std::fs::read(poem("ecstasy.txt")).expect("it is there"));
    let mut two = Command::new(TWO_POEMS);
    two.args(["-n", "two-poems", "--port", "0", "--second-port", "0", "--poem"]).arg(poem("ecstasy.txt"));
    two.arg("--second-poem").arg(poem("science.txt"));
    let (_server, at) = Server::start(two, 2);
    assert!(fetch(at[0]) == std::fs::read(poem("ecstasy.txt")).expect("it is there"));
    assert!(fetch(at[1]) == std::fs::read(poem("science.txt")).expect("it is there"));
}

#[test]
fn its_application_files_name_its_own_plugin() {
    let folder = std::env::temp_dir().join(format!("sestina-part16-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("it is ours");
    let file = folder.join("app.toml");
    let text = format!("[services.mine]\nplugin = \"poem\"\nport = 0\npoem = {:?}\n", poem("science.txt"));
    std::fs::write(&file, text).expect("it is ours");
    let mut command = Command::new(POEM);
    command.args(["-n", "-y"]).arg(&file);
    let (_server, at) = Server::start(command, 1);
    assert!(fetch(at[0]) == std::fs::read(poem("science.txt")).expect("it is there"));
    std::fs::remove_dir_all(&folder).ok();
}
