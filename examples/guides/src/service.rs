//! The tree: a dictionary, and a server that looks into it.

use std::rc::Rc;
use std::time::Duration;

use sestina::{AddError, Address, Child, Endpoint, Failure, MultiService, Supervision, TcpServer, service};

use crate::dictionary::{Dictionary, Shelf};
use crate::protocol::Rhymes;

/// How often somebody looks whether the dictionary has fallen apart.
const CARE: Duration = Duration::from_secs(5);

/// The dictionary, open as long as the service runs. It is ready when others may look into it.
fn dictionary(shelf: Shelf) -> Child {
    service("dictionary", move |cx| {
        let shelf = shelf.clone();
        async move {
            cx.reactor().sleep(Duration::from_millis(50)).await?; // it is heavy
            let dictionary = Rc::new(Dictionary::open(cx.reactor()));
            shelf.put(Rc::clone(&dictionary));
            cx.ready();
            let end = loop {
                match cx.reactor().sleep(CARE).await {
                    Ok(()) if dictionary.is_worn_out() => break Failure::msg("it has fallen apart"),
                    Ok(()) => {}
                    Err(stop) => break stop,
                }
            };
            shelf.clear();
            Err(end)
        }
    })
}

/// The service as a tree: the server is started after the dictionary, stopped before it, and started again with it.
///
/// # Errors
/// If the name is none.
pub fn rhymes(name: &str, at: &Endpoint, shelf: Shelf) -> Result<MultiService, AddError> {
    let (reads, at) = (shelf.clone(), at.clone());
    let mut group = MultiService::new(name).with_supervision(Supervision::rest_for_one());
    group.add(dictionary(shelf))?;
    group.add(Child::new("tcp", move || {
        let shelf = reads.clone();
        TcpServer::new(&at, move |_: &Address| Rhymes::protocol(shelf.clone()))
    }))?;
    Ok(group)
}
