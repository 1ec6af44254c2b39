//! Files for agents that know nothing else: whole sets in a directory, and the program told afterwards. Knows identities and
//! directories; knows no server, and decides nothing about certificates.
//!
//! ```text
//! DIR/tls.key     -> ..current/tls.key     the names that programs open; they never change
//! DIR/tls.crt     -> ..current/tls.crt
//! DIR/ca.crt      -> ..current/ca.crt
//! DIR/..current   -> ..0192c4…9e.7         replaced by one rename: from here on everybody sees the new set
//! DIR/..0192c4…9e.7/                       one whole set: tls.key, tls.crt, ca.crt; owner and mode stand before it is named
//! ```
//!
//! What holds after every step, also when the process is killed there: behind the names is one whole set (before the first, none);
//! never parts of two. What a killed process leaves beside it is removed at the next start. A program that opens its files one
//! after the other may still open the first before a rename and the second behind it: that is why it is told to read again.
//!
//! 1. [`FileSet`]: key, chain and roots belong together, checked again right before.
//! 2. [`Place`]: the directory is in memory, ours, and nobody else's to write to; looked at anew at each swap.
//! 3. [`swap()`]: the steps. 4. [`Reload`]: a signal or a command.
//! 5. [`Courier`]: when all of this is done, and done again.

mod account;
mod courier;
mod current;
mod ground;
mod layout;
mod memory;
mod order;
pub(crate) mod pem;
mod place;
mod reload;
mod set;
mod swap;

pub use account::{Account, AccountError, Accounts};
pub use courier::{Courier, Couriers};
pub use current::{Current, CurrentError};
pub use ground::{Ground, HostGround};
pub use layout::{Layout, LayoutError, Names, Permissions};
pub use memory::{Paging, is_in_memory};
pub use order::{Agent, Order, WhenEnded};
pub use place::{Place, PlaceError};
pub use reload::{CommandError, CommandOrder, Reload, ReloadError, Signal, SignalError, SignalOrder, Told};
pub use set::{FileSet, SetError};
pub use swap::{SwapError, clean, is_unread, note_read, note_unread, swap, withdraw};

#[cfg(test)]
mod testing;
