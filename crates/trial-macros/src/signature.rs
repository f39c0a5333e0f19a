//! A test as its author wrote it: attributes, signature, body.

use proc_macro::{Delimiter, Group, Ident, Punct, Span, TokenStream, TokenTree};

use crate::error::Error;

/// A function that is to be a test.
#[derive(Debug)]
pub(crate) struct Function {
    /// `#[..]`, each as its group.
    pub(crate) attributes: Vec<(Punct, Group)>,
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    /// The types of its arguments.
    pub(crate) arguments: Vec<TokenStream>,
    /// Where its result is told, for errors about it.
    pub(crate) result_span: Span,
    /// Everything from `async` or `fn` to the end of the body.
    pub(crate) item: TokenStream,
}

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Self, Error> {
        let mut tokens = item.into_iter().peekable();
        let mut attributes = Vec::new();
        while let Some(TokenTree::Punct(hash)) = tokens.next_if(|token| is_punct(token, '#')) {
            let Some(TokenTree::Group(group)) = tokens.next() else { break };
            attributes.push((hash, group));
        }
        let mut head: Vec<TokenTree> = Vec::new();
        // Visibility means nothing for a test.
        while let Some(token) = tokens.next_if(|token| !is_word(token, "fn")) {
            head.push(token);
        }
        let asynchronous = head.iter().find(|token| is_word(token, "async")).cloned();
        let forbidden =
            head.iter().find(|token| ["const", "unsafe", "extern"].iter().any(|w| is_word(token, w)));
        if let Some(token) = forbidden {
            return Err(Error::new(token.span(), format!("a test is not `{token}`")));
        }
        let Some(keyword) = tokens.next() else {
            let span = head.first().map_or_else(Span::call_site, TokenTree::span);
            return Err(Error::new(span, "a test is a function: `async fn name(reactor: Reactor) { .. }`"));
        };
        let Some(TokenTree::Ident(name)) = tokens.next() else {
            return Err(Error::new(keyword.span(), "a test has a name"));
        };
        let arguments = match tokens.next() {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => group,
            other => {
                let span = other.map_or_else(|| name.span(), |token| token.span());
                return Err(Error::new(span, "a test has no type parameters: nobody would choose them"));
            }
        };
        let rest: Vec<TokenTree> = tokens.collect();
        if !matches!(rest.last(), Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace) {
            return Err(Error::new(name.span(), "a test has a body"));
        }
        let result_span = rest.iter().find(|token| !is_punct(token, '-') && !is_punct(token, '>'));
        let result_span = match result_span {
            Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => name.span(),
            Some(token) => token.span(),
            None => name.span(),
        };
        let types = argument_types(&arguments)?;
        let start: [TokenTree; 3] = [keyword, name.clone().into(), arguments.into()];
        let item = asynchronous.clone().into_iter().chain(start).chain(rest).collect();
        let is_async = asynchronous.is_some();
        Ok(Self { attributes, name, is_async, arguments: types, result_span, item })
    }
}

/// The type behind each `pattern:`.
fn argument_types(list: &Group) -> Result<Vec<TokenStream>, Error> {
    let mut types = Vec::new();
    for argument in split(list.stream()) {
        let first = argument.first().map_or_else(|| list.span(), TokenTree::span);
        if argument.iter().any(|token| is_word(token, "self")) {
            return Err(Error::new(first, "a test is no method: there is no `self`"));
        }
        let Some(colon) = colon(&argument) else {
            return Err(Error::new(first, "an argument is `name: Type`"));
        };
        types.push(argument[colon + 1..].iter().cloned().collect());
    }
    Ok(types)
}

/// The first `:` that is not a half of `::`.
fn colon(argument: &[TokenTree]) -> Option<usize> {
    let is_colon = |at: usize| argument.get(at).is_some_and(|token| is_punct(token, ':'));
    let mut at = 0;
    while at < argument.len() {
        match (is_colon(at), is_colon(at + 1)) {
            (true, false) => return Some(at),
            (true, true) => at += 2,
            (false, _) => at += 1,
        }
    }
    None
}

/// The arguments between the commas that are not inside of `<>`.
fn split(list: TokenStream) -> Vec<Vec<TokenTree>> {
    let (mut all, mut current, mut depth, mut arrow) = (Vec::new(), Vec::new(), 0_u32, false);
    for token in list {
        let is_arrow_head = arrow && is_punct(&token, '>');
        arrow = is_punct(&token, '-');
        if is_punct(&token, '<') {
            depth += 1;
        } else if is_punct(&token, '>') && !is_arrow_head {
            depth = depth.saturating_sub(1);
        } else if is_punct(&token, ',') && depth == 0 {
            all.push(std::mem::take(&mut current));
            continue;
        }
        current.push(token);
    }
    if !current.is_empty() {
        all.push(current);
    }
    all
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

pub(crate) fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}
