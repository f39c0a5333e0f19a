//! `--emit-unit`: a hardened service unit of systemd for a command line, and a socket unit for each socket that it opens.
//!
//! systemd opens the sockets, so the service needs no privilege at all, whatever its ports, and no connection is refused while
//! it starts anew. The log goes to the journal, the user is a passing one unless another was named.
//! Tests: `cli/tests/suite/unit.rs`.

mod command_line;
mod quote;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use sestina_reactor::Endpoint;

use crate::options::RunnerOptions;
use crate::plan::{DETACHED_UMASK, Plan};
use crate::service_maker::UsageError;
pub(crate) use command_line::CommandLine;
use quote::{argument, value};

/// How long systemd waits longer than the program does itself.
const GRACE: Duration = Duration::from_secs(5);
/// How often the loop must have turned.
const WATCHDOG: Duration = Duration::from_secs(30);
/// Descriptors, memory and threads of a service that has not asked for others.
const DESCRIPTORS: u64 = 65_536;
const MEMORY: &str = "1G";
const TASKS: u32 = 256;
/// Directories that a hardened service does not see.
const HOMES: [&str; 3] = ["/home", "/root", "/run/user"];
const SCRATCH: [&str; 2] = ["/tmp", "/var/tmp"];

/// Whether units are wanted.
#[derive(Args, Clone, Debug)]
pub(crate) struct UnitOptions {
    /// Print hardened units of systemd for this command line, and end: all, or the service's or the sockets' alone
    #[arg(long, value_name = "KIND", value_enum, num_args = 0..=1, require_equals = true,
          default_missing_value = "all", help_heading = "Service manager")]
    pub(crate) emit_unit: Option<Kind>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Kind {
    /// The service and its sockets
    #[default]
    All,
    /// The service
    Service,
    /// The sockets
    Socket,
}

/// What units are made of.
pub(crate) struct Wanted<'a> {
    /// The program: `sestina`.
    pub(crate) program: &'a str,
    /// What it runs: `fastpoetry`.
    pub(crate) title: &'a str,
    pub(crate) executable: PathBuf,
    /// Where it was started: relative paths begin here.
    pub(crate) directory: &'a Path,
    pub(crate) words: CommandLine<'a>,
    pub(crate) options: &'a RunnerOptions,
    pub(crate) plan: &'a Plan,
}

/// A socket that systemd opens.
struct Socket {
    unit: String,
    name: String,
    listen: String,
    mode: Option<String>,
}

/// The units' text.
///
/// # Errors
/// If the command line says something that a unit cannot.
pub(crate) fn emit(wanted: &Wanted<'_>, kind: Kind) -> Result<String, UsageError> {
    if wanted.options.process.chroot.is_some() {
        return Err(UsageError::new(
            "--emit-unit and --chroot do not go together: systemd has RootDirectory=",
        ));
    }
    let base = match wanted.title == wanted.program {
        true => unit_name(wanted.program),
        false => unit_name(&format!("{}-{}", wanted.program, wanted.title)),
    };
    let sockets = sockets(wanted, &base)?;
    let mut text = String::new();
    if kind != Kind::Socket {
        service(&mut text, wanted, &base, &sockets)?;
    }
    for socket in sockets.iter().filter(|_| kind != Kind::Service) {
        if !text.is_empty() {
            text.push('\n');
        }
        socket.write(&mut text, wanted.title, &base);
    }
    Ok(text)
}

fn sockets(wanted: &Wanted<'_>, base: &str) -> Result<Vec<Socket>, UsageError> {
    let asked = wanted.plan.place.sockets();
    let opened = asked.iter().filter_map(|(name, at)| Some((name, at, listen(at)?)));
    let opened: Vec<_> = opened.collect();
    let is_single = opened.len() == 1;
    let mut sockets = Vec::new();
    for (name, at, listen) in opened {
        let listen =
            listen.map_err(|why| UsageError::new(format!("--emit-unit: '{name}' listens on {at}: {why}")))?;
        let unit = if is_single { base.to_owned() } else { format!("{base}-{}", unit_name(name)) };
        let mode = at.to_string().split(':').find_map(|part| part.strip_prefix("mode=").map(str::to_owned));
        sockets.push(Socket { unit, name: name.clone(), listen, mode });
    }
    Ok(sockets)
}

/// How systemd opens it; `None` if somebody else does already.
fn listen(at: &Endpoint) -> Option<Result<String, &'static str>> {
    let (text, peer) = (at.to_string(), at.peer_name());
    if let Some(path) = peer.strip_prefix("unix:") {
        return Some(match Path::new(path).is_absolute() {
            true => Ok(format!("ListenStream={}", value(path.as_ref()))),
            false => Err("give an absolute path"),
        });
    }
    let verb = if text.starts_with("udp:") { "ListenDatagram" } else { "ListenStream" };
    if !text.starts_with("tcp:") && !text.starts_with("udp:") {
        return None;
    }
    let address = match peer.rsplit_once(':') {
        Some(("localhost", port)) => format!("127.0.0.1:{port}"),
        Some(("", port)) => format!("0.0.0.0:{port}"),
        _ => peer,
    };
    Some(match address.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err("give a port, not 0"),
        Ok(address) => Ok(format!("{verb}={address}")),
        Err(_) => Err("give the address of an interface"),
    })
}

impl Socket {
    fn write(&self, out: &mut String, title: &str, base: &str) {
        line(out, format_args!("# {}.socket", self.unit));
        line(out, format_args!("[Unit]\nDescription=Socket '{}' of {}\n", self.name, value(title.as_ref())));
        line(out, format_args!("[Socket]\n{}\nFileDescriptorName={}", self.listen, self.name));
        if let Some(mode) = &self.mode {
            line(out, format_args!("SocketMode=0{mode}"));
        }
        line(out, format_args!("Service={base}.service\n\n[Install]\nWantedBy=sockets.target"));
    }
}

fn service(out: &mut String, wanted: &Wanted<'_>, base: &str, sockets: &[Socket]) -> Result<(), UsageError> {
    let names = || sockets.iter().map(|socket| format!(" {}.socket", socket.unit)).collect::<String>();
    line(out, format_args!("# {base}.service"));
    line(out, format_args!("[Unit]\nDescription={} of {}", value(wanted.title.as_ref()), wanted.program));
    line(out, format_args!("After=network-online.target{}\nWants=network-online.target", names()));
    if !sockets.is_empty() {
        line(out, format_args!("Requires={}", names().trim_start()));
    }
    out.push_str("\n[Service]\n");
    life(out, wanted, sockets)?;
    identity(out, wanted);
    limits(out, wanted);
    hardening(out, wanted);
    line(out, format_args!("\n[Install]\nWantedBy=multi-user.target"));
    Ok(())
}

fn life(out: &mut String, wanted: &Wanted<'_>, sockets: &[Socket]) -> Result<(), UsageError> {
    let words = &wanted.words;
    let mut given = words.runner();
    for (name, at) in wanted.plan.place.sockets() {
        match sockets.iter().find(|socket| socket.name == name) {
            Some(socket) => given.push(format!("--listen={0}=systemd:{0}", socket.name).into()),
            None => given.push(format!("--listen={name}={at}").into()),
        }
    }
    given.extend(words.plugin());
    let executable = wanted.executable.as_os_str();
    let line_of = given.iter().map(|word| format!(" {}", argument(word))).collect::<String>();
    let times = wanted.plan.times;
    out.push_str("Type=notify\n# systemd 253 and newer: with this, 'systemctl reload' waits until the reload is done.\n");
    out.push_str("#Type=notify-reload\n");
    line(out, format_args!("ExecStart={}{line_of}", argument(executable)));
    out.push_str("ExecReload=/bin/kill -HUP $MAINPID\n");
    line(out, format_args!("WorkingDirectory={}", value(wanted.directory.as_os_str())));
    line(out, format_args!("TimeoutStartSec={}", seconds(times.start + GRACE)));
    line(out, format_args!("TimeoutStopSec={}", seconds(times.drain + times.kill + GRACE)));
    if wanted.options.notify.has_watchdog() {
        line(out, format_args!("WatchdogSec={}", seconds(WATCHDOG)));
    }
    out.push_str(
        "KillMode=mixed\nRestart=on-failure\n# Wrong usage does not become right by another start.\n",
    );
    out.push_str("RestartPreventExitStatus=2\n");
    if words.has_log_target() {
        out.push_str(
            "# The log goes to the journal: what the command line said about its file was left out.\n",
        );
    }
    hidden(out, wanted);
    Ok(())
}

/// Says what the service would look for and not find.
fn hidden(out: &mut String, wanted: &Wanted<'_>) {
    for path in [wanted.executable.as_path(), wanted.directory] {
        if SCRATCH.iter().any(|folder| path.starts_with(folder)) {
            let path = crate::words::one_line(&path.display().to_string());
            line(
                out,
                format_args!(
                    "# The service has directories for temporary files of its own and does not see {path}: move it."
                ),
            );
        }
    }
}

fn identity(out: &mut String, wanted: &Wanted<'_>) {
    let process = &wanted.options.process;
    match (&process.uid, &process.gid) {
        (None, None) => out.push_str("\nDynamicUser=yes\n"),
        (uid, gid) => {
            out.push('\n');
            for (key, name) in [("User", uid), ("Group", gid)] {
                if let Some(name) = name {
                    line(out, format_args!("{key}={}", value(name.as_ref())));
                }
            }
            out.push_str("PrivateTmp=yes\nRemoveIPC=yes\n");
        }
    }
    let capabilities: Vec<String> = process.keep_cap.iter().map(|name| capability(name)).collect();
    let capabilities = capabilities.join(" ");
    line(out, format_args!("CapabilityBoundingSet={capabilities}\nAmbientCapabilities={capabilities}"));
    line(out, format_args!("UMask=0{:03o}", process.umask.unwrap_or(DETACHED_UMASK)));
}

/// `net_bind_service` is CAP_NET_BIND_SERVICE.
fn capability(name: &str) -> String {
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") }
}

fn limits(out: &mut String, wanted: &Wanted<'_>) {
    let process = &wanted.options.process;
    line(out, format_args!("\nLimitNOFILE={}", process.nofile.unwrap_or(DESCRIPTORS)));
    line(out, format_args!("LimitCORE={}", process.core.unwrap_or(0)));
    line(out, format_args!("MemoryMax={MEMORY}\nTasksMax={TASKS}"));
}

fn hardening(out: &mut String, wanted: &Wanted<'_>) {
    let is_at_home = |path: &Path| HOMES.iter().any(|home| path.starts_with(home));
    let home =
        if is_at_home(&wanted.executable) || is_at_home(wanted.directory) { "read-only" } else { "yes" };
    let private_users = if wanted.options.process.keep_cap.is_empty() { "PrivateUsers=yes\n" } else { "" };
    line(out, format_args!("\nNoNewPrivileges=yes\nProtectSystem=strict\nProtectHome={home}"));
    out.push_str(private_users);
    out.push_str(
        "\
PrivateMounts=yes
PrivateDevices=yes
DevicePolicy=closed
ProtectProc=invisible
ProcSubset=pid
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
",
    );
}

fn seconds(time: Duration) -> String {
    format!("{}s", time.as_secs() + u64::from(time.subsec_nanos() > 0))
}

/// What can be a part of a unit's name.
fn unit_name(text: &str) -> String {
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    text.chars().map(|character| if fits(character) { character } else { '-' }).collect()
}

fn line(out: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(out, "{words}").expect("a string takes everything");
}
