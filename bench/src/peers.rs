//! Who is measured, what that needs, and how each is started.

use std::fmt;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::machine::version;
use crate::server::Server;

const EPOLL_C: &str = include_str!("../peers/epoll.c");
const TIMED_C: &str = include_str!("../peers/timed.c");
const TWISTED_PY: &str = include_str!("../peers/twisted_peer.py");
const ERLANG_ERL: &str = include_str!("../peers/erlang_peer.erl");
/// Where Debian keeps nginx's loadable module.
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
/// Erlang on one scheduler that does not spin while it waits: spinning would be counted as its CPU time.
const ERLANG_FLAGS: [&str; 11] =
    ["+S", "1:1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none", "+Q", "65536", "-noinput"];

/// A kind of contender, as `--peers` names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub(crate) enum Family {
    Ours,
    C,
    Mio,
    Tokio,
    Twisted,
    Erlang,
    Nginx,
}

impl fmt::Display for Family {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Ours => "sestina",
            Self::C => "C epoll",
            Self::Mio => "mio by hand",
            Self::Tokio => "tokio",
            Self::Twisted => "Twisted",
            Self::Erlang => "Erlang",
            Self::Nginx => "nginx",
        })
    }
}

/// What a server does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Serving {
    /// A poem of so many bytes; 0 is the file once.
    Poem(usize),
    /// So many bytes of it at a time, and so many milliseconds between them.
    Slow(usize, u64),
    Echo,
    /// A poem that is fetched from another port of the loopback; ours only.
    Proxy(u16),
}

/// One contender: a family, and how it does it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    variant: &'static str,
}

const fn contender(name: &'static str, family: Family, variant: &'static str) -> Contender {
    Contender { name, family, variant }
}

pub(crate) const SESTINA: Contender = contender("sestina", Family::Ours, "always");
pub(crate) const SESTINA_IF_UNREAD: Contender =
    contender("sestina, drain if unread", Family::Ours, "if-unread");
pub(crate) const SESTINA_PROGRAM: Contender =
    contender("sestina, the program with its log", Family::Ours, "program");
pub(crate) const SESTINA_CLIENT: Contender = contender("get-poetry", Family::Ours, "");
pub(crate) const C: Contender = contender("C epoll", Family::C, "direct");
pub(crate) const C_REGISTERS: Contender = contender("C epoll, registers", Family::C, "register");
pub(crate) const C_DRAINS: Contender = contender("C epoll, drains", Family::C, "drain");
pub(crate) const MIO: Contender = contender("mio by hand", Family::Mio, "");
pub(crate) const TOKIO: Contender = contender("tokio", Family::Tokio, "");
pub(crate) const TWISTED: Contender = contender("Twisted", Family::Twisted, "");
pub(crate) const ERLANG: Contender = contender("Erlang", Family::Erlang, "");
pub(crate) const NGINX: Contender = contender("nginx stream", Family::Nginx, "");

const LOCK: &str = include_str!("../../Cargo.lock");

/// What was found on this machine.
#[derive(Debug)]
pub(crate) struct Programs {
    /// Where our programs and the Rust peers are.
    pub(crate) folder: PathBuf,
    /// Where the other peers are compiled to.
    pub(crate) work: PathBuf,
    /// The poem of 3 KB.
    pub(crate) text: PathBuf,
    pub(crate) python: String,
    families: Vec<Family>,
    /// Who is not measured, and why.
    pub(crate) missing: Vec<String>,
    pub(crate) versions: Value,
}

impl Programs {
    /// Looks for everything that the wanted families need, and compiles what must be.
    pub(crate) fn find(root: &Path, wanted: &[Family], python: &str) -> Result<Self, String> {
        let itself = std::env::current_exe().map_err(|error| format!("where is this program? {error}"))?;
        let folder = itself.parent().ok_or("where is this program?")?.to_owned();
        let work = folder.join("bench-peers");
        std::fs::create_dir_all(&work).map_err(|error| format!("cannot make {}: {error}", work.display()))?;
        let text = root.join("poetry/poems/ecstasy.txt");
        if !text.exists() {
            return Err(format!("there is no {}: run this in the repository", text.display()));
        }
        let versions = json!({ "sestina": env!("CARGO_PKG_VERSION"), "rustc": version("rustc", "-V") });
        let python = python.to_owned();
        let mut found =
            Self { folder, work, text, python, families: Vec::new(), missing: Vec::new(), versions };
        for family in Family::value_variants() {
            if !wanted.is_empty() && !wanted.contains(family) {
                found.missing.push(format!("{family}: not asked for"));
                continue;
            }
            match found.prepare(*family) {
                Ok(()) => found.families.push(*family),
                Err(why) => found.missing.push(format!("{family}: {why}")),
            }
        }
        Ok(found)
    }

    pub(crate) fn has(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    /// Those of them that can be measured here.
    pub(crate) fn present(&self, contenders: &[Contender]) -> Vec<Contender> {
        contenders.iter().copied().filter(|contender| self.has(contender.family)).collect()
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn peer(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    fn prepare(&mut self, family: Family) -> Result<(), String> {
        match family {
            Family::Ours => self.need(&["sestina", "get-poetry", "bench-ours"]),
            Family::Mio => self.need(&["bench-mio"]).and_then(|()| self.note("mio", locked("mio"))),
            Family::Tokio => self.need(&["bench-tokio"]).and_then(|()| self.note("tokio", locked("tokio"))),
            Family::C => {
                self.compile("epoll", EPOLL_C)?;
                self.note("cc", version("cc", "--version"))
            }
            Family::Twisted => {
                self.write("twisted_peer.py", TWISTED_PY)?;
                let says =
                    "import sys, twisted; print(twisted.__version__, 'on Python', sys.version.split()[0])";
                let output = Command::new(&self.python).args(["-c", says]).output();
                let output = output.map_err(|error| format!("{} cannot be started: {error}", self.python))?;
                let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                let found = (output.status.success() && !text.is_empty()).then_some(text);
                self.note("Twisted", found)
                    .map_err(|_| format!("{} has no module twisted; --python names another one", self.python))
            }
            Family::Erlang => {
                self.write("erlang_peer.erl", ERLANG_ERL)?;
                let compiled = Command::new("erlc").arg("erlang_peer.erl").current_dir(&self.work).status();
                match compiled {
                    Ok(status) if status.success() => {}
                    Ok(_) => return Err("erlc cannot compile its peer".to_owned()),
                    Err(error) => return Err(format!("erlc cannot be started: {error}")),
                }
                let says = "io:format(\"~s~n\", [erlang:system_info(otp_release)]), halt().";
                let output = Command::new("erl").args(["-noshell", "-eval", says]).output().ok();
                self.note(
                    "Erlang",
                    output.map(|output| format!("OTP {}", String::from_utf8_lossy(&output.stdout).trim())),
                )
            }
            Family::Nginx => {
                let configuration = self.nginx_configuration(free_port()?)?;
                let tested = Command::new("nginx")
                    .args(["-t", "-q", "-e", "stderr", "-c"])
                    .arg(&configuration)
                    .output();
                let tested = tested.map_err(|error| format!("nginx cannot be started: {error}"))?;
                if !tested.status.success() {
                    let text = String::from_utf8_lossy(&tested.stderr).into_owned();
                    return Err(text
                        .lines()
                        .next()
                        .unwrap_or("it does not take its configuration")
                        .to_owned());
                }
                self.note("nginx", version("nginx", "-v"))
            }
        }
    }

    fn need(&self, names: &[&str]) -> Result<(), String> {
        match names.iter().find(|name| !self.program(name).exists()) {
            None => Ok(()),
            Some(name) => Err(format!("{name} is not built: cargo xtask bench builds it")),
        }
    }

    fn note(&mut self, name: &str, version: Option<String>) -> Result<(), String> {
        let version = version.ok_or_else(|| format!("{name} does not tell its version"))?;
        self.versions[name] = json!(version);
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.work.join(name);
        std::fs::write(&path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(path)
    }

    fn compile(&self, name: &str, source: &str) -> Result<(), String> {
        let path = self.write(&format!("{name}.c"), source)?;
        let output = Command::new("cc").args(["-O2", "-o"]).arg(self.work.join(name)).arg(path).output();
        let output = output.map_err(|error| format!("cc cannot be started: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("cc cannot compile {name}.c: {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// The program that tells what another one took.
    pub(crate) fn timed(&self) -> Result<PathBuf, String> {
        self.compile("timed", TIMED_C)?;
        Ok(self.work.join("timed"))
    }

    fn nginx_configuration(&self, port: u16) -> Result<PathBuf, String> {
        let poem = std::fs::read_to_string(&self.text).map_err(|error| format!("the poem: {error}"))?;
        if poem.contains('$') {
            return Err("the poem has a dollar sign, which its configuration cannot say".to_owned());
        }
        let poem = poem.replace('\\', "\\\\").replace('"', "\\\"");
        let module = Path::new(NGINX_STREAM);
        let module = if module.exists() { format!("load_module {NGINX_STREAM};") } else { String::new() };
        let text = format!(
            "{module}\ndaemon off;\nmaster_process off;\nerror_log /dev/null crit;\npid {}/nginx.pid;\n\
             events {{ worker_connections 16384; multi_accept on; }}\n\
             stream {{ server {{ listen 127.0.0.1:{port} backlog=4096; tcp_nodelay on; return \"{poem}\"; }} }}\n",
            self.work.display()
        );
        self.write("nginx.conf", &text)
    }
}

/// The version of a crate that this was built with.
fn locked(name: &str) -> Option<String> {
    let named = format!("name = \"{name}\"");
    let package = LOCK.split("[[package]]").find(|package| package.lines().any(|line| line == named))?;
    let version = package.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    version.map(str::to_owned)
}

/// Free now; nobody else on a measuring machine takes it before the server does.
fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    Ok(listener.local_addr().map_err(|error| format!("no port: {error}"))?.port())
}

impl Contender {
    /// Starts this contender's server on the measured CPU.
    pub(crate) fn start(&self, programs: &Programs, cpu: usize, serving: Serving) -> Result<Server, String> {
        let text = programs.text.display().to_string();
        let mut words: Vec<String> = match serving {
            Serving::Poem(bytes) => vec!["poem".to_owned(), text.clone(), bytes.to_string()],
            Serving::Slow(count, pause) => {
                vec!["slow".to_owned(), text.clone(), count.to_string(), pause.to_string()]
            }
            Serving::Echo => vec!["echo".to_owned()],
            Serving::Proxy(origin) => vec!["proxy".to_owned(), origin.to_string()],
        };
        if matches!(serving, Serving::Poem(_)) && !self.variant.is_empty() {
            words.push(self.variant.to_owned());
        }
        match self.family {
            Family::Ours if self.variant == "program" => {
                let words = ["-n", "fastpoetry", "--port", "0", "--poem", &text].map(str::to_owned);
                Server::start_logging(cpu, &programs.program("sestina"), &words)
            }
            Family::Ours => Server::start(cpu, &programs.program("bench-ours"), &words),
            Family::C => Server::start(cpu, &programs.peer("epoll"), &words),
            Family::Mio => Server::start(cpu, &programs.program("bench-mio"), &words),
            Family::Tokio => Server::start(cpu, &programs.program("bench-tokio"), &words),
            Family::Twisted => {
                words.insert(0, programs.peer("twisted_peer.py").display().to_string());
                Server::start(cpu, Path::new(&programs.python), &words)
            }
            Family::Erlang => {
                let folder = programs.work.display().to_string();
                let mut all: Vec<String> = ERLANG_FLAGS.map(str::to_owned).to_vec();
                all.extend(["-pa", &folder, "-s", "erlang_peer", "main"].map(str::to_owned));
                all.extend(words);
                Server::start(cpu, Path::new("erl"), &all)
            }
            Family::Nginx => {
                let port = free_port()?;
                let configuration = programs.nginx_configuration(port)?.display().to_string();
                let words = ["-e", "stderr", "-c", &configuration].map(str::to_owned);
                Server::start_at(cpu, Path::new("nginx"), &words, port)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_tells_the_versions_of_the_crates_it_compares_with() {
        assert_eq!(locked("sestina-bench").as_deref(), Some(env!("CARGO_PKG_VERSION")));
        assert!(locked("mio").is_some() && locked("tokio").is_some());
        assert_eq!(locked("tok"), None, "a part of a name is no name");
    }
}
