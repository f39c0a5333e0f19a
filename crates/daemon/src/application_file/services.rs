//! The tables of services: plugins with their options, and parents of others.

use std::rc::Rc;

use sestina_service::{Limits, Restart};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::checked::{Given, Missing, check, command_line};
use super::keys::{Key, in_order, keys};
use super::plan::{ChildPlan, GroupPlan, KindPlan, ServicePlan, Span, SupervisionPlan};
use super::reader::Reader;
use crate::nearest::nearest;

/// How many services a file may have, with those that consist of others.
pub(super) const SERVICES_MAX: usize = 1_000;

/// The keys of every service that are not its plugin's.
pub(super) const OF_A_SERVICE: [&str; 4] = ["plugin", "options", "restart", "limits"];
/// The keys of a parent.
pub(super) const OF_A_PARENT: [&str; 5] = ["services", "supervision", "stop-together", "restart", "limits"];
/// Which ends of a service are followed by a new start.
pub(super) const RESTARTS: [(&str, Restart); 3] =
    [("permanent", Restart::Permanent), ("transient", Restart::Transient), ("temporary", Restart::Temporary)];

impl Reader<'_> {
    /// The services of a table, in the order of the file.
    pub(super) fn children(&mut self, value: &Spanned<DeValue<'_>>) -> Vec<ChildPlan> {
        let Some(table) = self.table(value) else { return Vec::new() };
        if table.is_empty() {
            self.wrong(value.span(), "there are no services: begin one with [services.NAME] and its plugin");
        }
        in_order(table).into_iter().filter_map(|(key, value)| self.child(key, value)).collect()
    }

    fn child<K: AsRef<str>>(&mut self, key: &Spanned<K>, value: &Spanned<DeValue<'_>>) -> Option<ChildPlan> {
        let name = key.get_ref().as_ref().to_owned();
        self.services += 1;
        if self.services > SERVICES_MAX {
            if self.services == SERVICES_MAX + 1 {
                self.wrong(key.span(), format!("these are more than {SERVICES_MAX} services"));
            }
            return None;
        }
        self.check_name(&name, key.span());
        let table = self.table(value)?;
        let kind = match (table.get("plugin"), table.get("services")) {
            (Some(plugin), None) => KindPlan::Service(self.service(table, plugin, key.span())?),
            (None, Some(services)) => KindPlan::Group(self.parent(table, services)),
            (Some(plugin), Some(_)) => {
                let what = "a service has either a plugin or services of its own: take one of both out";
                self.wrong(plugin.span(), what);
                return None;
            }
            (None, None) => {
                let what = format!("the service '{name}' needs the key 'plugin', or services of its own");
                self.wrong(key.span(), what);
                return None;
            }
        };
        let restart = table.get("restart").and_then(|value| self.one_of(value, &RESTARTS));
        let limits = table.get("limits").map_or_else(Limits::new, |value| self.limits(value));
        Some(ChildPlan { name, at: key.span(), restart, limits, kind })
    }

    fn parent(&mut self, table: &DeTable<'_>, services: &Spanned<DeValue<'_>>) -> GroupPlan {
        let mut group =
            GroupPlan { supervision: SupervisionPlan::default(), together: false, children: Vec::new() };
        for (key, value) in in_order(table) {
            match key.get_ref().as_ref() {
                "supervision" => group.supervision = self.supervision(value),
                "stop-together" => group.together = self.truth(value),
                name if OF_A_PARENT.contains(&name) => {}
                _ => self.unknown(key, OF_A_PARENT),
            }
        }
        group.children = self.children(services);
        group
    }

    fn service(
        &mut self,
        table: &DeTable<'_>,
        plugin: &Spanned<DeValue<'_>>,
        at: Span,
    ) -> Option<ServicePlan> {
        let name = self.text(plugin)?;
        let Some(maker) = self.words.plugins.iter().find(|maker| maker.name() == name) else {
            self.no_plugin(&name, plugin.span());
            return None;
        };
        let maker = maker.clone();
        let known = self.known.entry(name.clone()).or_insert_with(|| {
            let command = maker.command();
            Rc::new((keys(&command), command))
        });
        let known = Rc::clone(known);
        let (keys, command) = &*known;
        let before = self.problems.len();
        let mut given = self.given(table, keys, &OF_A_SERVICE);
        if let Some(options) = table.get("options")
            && let Some(options) = self.table(options)
        {
            given.extend(self.given(options, keys, &[]));
        }
        let given = self.once(given);
        let missing = if self.problems.len() == before { Missing::Told } else { Missing::Known };
        match check(command, &given, at.clone(), missing) {
            Ok(Some(matches)) if maker.prints(&matches).is_some() => {
                self.wrong(at, "its options ask for a printed answer, not for a service");
            }
            Ok(_) => {}
            Err(problems) => self.problems.extend(problems),
        }
        Some(ServicePlan { plugin: name, arguments: command_line(&given) })
    }

    /// The options in a table, apart from keys that are not the plugin's.
    fn given(&mut self, table: &DeTable<'_>, keys: &[Key], others: &[&str]) -> Vec<Given> {
        let mut given = Vec::new();
        for (key, value) in in_order(table) {
            let name = key.get_ref().as_ref();
            if others.contains(&name) {
                continue;
            }
            let Some(known) = keys.iter().find(|known| known.name == name) else {
                let known = keys.iter().map(|known| known.name.as_str()).chain(others.iter().copied());
                self.unknown(key, known);
                continue;
            };
            if let Some(arguments) = self.arguments(known, value) {
                let (key, span, value) = (known.clone(), key.span(), value.span());
                given.push(Given { key, span, value, arguments });
            }
        }
        given
    }

    /// An option stands in the service's table or below `options`, not in both.
    fn once(&mut self, given: Vec<Given>) -> Vec<Given> {
        let mut once: Vec<Given> = Vec::with_capacity(given.len());
        for one in given {
            if once.iter().any(|other| other.key.name == one.key.name) {
                self.wrong(one.span.clone(), format!("'{}' is given twice", one.key.name));
            } else {
                once.push(one);
            }
        }
        once
    }

    fn no_plugin(&mut self, name: &str, span: Span) {
        let names = self.words.plugins.iter().map(|maker| maker.name());
        let (program, file) = (self.words.program, self.words.file.display());
        let what = match nearest(name, names) {
            Some(meant) => format!("there is no plugin '{name}': did you mean '{meant}'?"),
            None => format!("the plugin '{name}' is not linked into {program}"),
        };
        // What is found on the plugin path is another program, and reads files of its own.
        let hint = self.words.prefix.filter(|_| crate::plugins::is_name(name)).map(|prefix| {
            format!(
                "; a plugin that is a program of its own has its own files: run '{prefix}{name} -y {file}'"
            )
        });
        self.wrong(span, format!("{what}{}", hint.unwrap_or_default()));
    }
}
