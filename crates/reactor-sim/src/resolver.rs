//! Names: those of the hosts, those that a test made up, and those that do not exist.
//!
//! Tests: `tests/suite/names.rs`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use sestina_reactor::Token;

use crate::agenda::Happening;
use crate::fault::Fault;
use crate::machine::Life;
use crate::world::World;

impl World {
    /// Looks a name up; the answer is on its way when this returns.
    pub(crate) fn resolve(&mut self, life: Life, name: &str, token: Token) {
        let failed = self.strikes(Fault::FailedLookups, life.host).is_some();
        let addresses = if failed {
            Err(io::Error::other("temporary failure in name resolution"))
        } else {
            self.addresses_of(name)
        };
        let at = self.now + LOOKUP_TAKES + self.dice.delays(Fault::SlowLookups, self.now).unwrap_or_default();
        self.note(|world| {
            let answer = addresses.as_ref().map_or_else(ToString::to_string, |found| format!("{found:?}"));
            format!("{} looks up {name}: {answer}", world.machine(life.host).name)
        });
        self.agenda.add(at, Happening::Resolved { life, token, addresses });
    }

    fn addresses_of(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        // RFC 6761: these two mean the same to everybody, whatever anybody calls a host.
        if name == "invalid" || name.ends_with(".invalid") {
            return Err(unknown());
        }
        if name == "localhost" || name.ends_with(".localhost") {
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        if let Ok(ip) = name.parse() {
            return Ok(vec![ip]);
        }
        if let Some(addresses) = self.names.get(&name) {
            return Ok(addresses.clone());
        }
        let machine = self.machines.iter().find(|machine| machine.name.eq_ignore_ascii_case(&name));
        machine.map(|machine| vec![machine.v4.into(), machine.v6.into()]).ok_or_else(unknown)
    }
}

/// How long a resolver thinks about a name.
const LOOKUP_TAKES: Duration = Duration::from_millis(1);
