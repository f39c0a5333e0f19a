//! From events of `tracing` to lines.

use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record as SpanRecord};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::levels::Levels;
use super::line::{Around, Origin, SPANS_MAX};
use super::record::{Fields, Record, Value};
use super::writer::Writer;
use crate::timestamp::Timestamp;

/// Writes events into the log.
pub(crate) struct LogLayer {
    pub(crate) log: Arc<Writer>,
    pub(crate) levels: Levels,
}

/// What a span was given, kept beside it.
struct SpanFields(Fields);

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.levels.admit(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.levels.admit(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.levels.least())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut record = Record::default();
        attributes.record(&mut record);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(SpanFields(fields_of(record)));
        }
    }

    fn on_record(&self, id: &Id, values: &SpanRecord<'_>, context: Context<'_, S>) {
        let mut record = Record::default();
        values.record(&mut record); // with nothing locked: this is a user's code
        if let Some(span) = context.span(id)
            && let Some(SpanFields(fields)) = span.extensions_mut().get_mut()
        {
            for (name, value) in fields_of(record) {
                fields.retain(|(known, _)| *known != name);
                fields.push((name, value));
            }
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let record = Record::of(event);
        let metadata = event.metadata();
        let origin = Origin { level: *metadata.level(), target: metadata.target() };
        let mut spans = Vec::new();
        let mut around = context.event_span(event);
        while let Some(span) = around.filter(|_| spans.len() < SPANS_MAX) {
            let fields = span.extensions().get().map(|SpanFields(fields)| fields.clone());
            spans.push((span.name(), fields.unwrap_or_default()));
            around = span.parent();
        }
        let spans: Vec<Around<'_>> = spans.iter().rev().map(|(name, fields)| (*name, fields)).collect();
        self.log.line(&self.log.shape.line(Timestamp::now(), origin, &record, &spans));
    }
}

/// A span's message is a field as any other.
fn fields_of(record: Record) -> Fields {
    let message = (!record.message.is_empty()).then_some(("message", Value::Shown(record.message)));
    message.into_iter().chain(record.fields).collect()
}
