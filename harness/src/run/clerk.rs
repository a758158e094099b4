//! The clerk takes what happened to the court, and calls the court in when somebody asks it.
//!
//! In a large estate the court sits on a second core and works while the estate goes on. It sees every
//! event, in order, and whoever asks waits until it has seen all: what it finds is the same wherever it
//! sits.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

use sim::estate::Estate;

use super::court::{Court, Portion};

/// People from whom on the court sits on a second core. Below, a thread costs more than it brings.
const MANY: usize = 10_000;
/// Events that are taken to a court on a second core at once.
const AT_ONCE: usize = 512;
/// Portions that may wait there.
const AHEAD: usize = 64;

/// Takes what happened to the court.
pub(super) struct Clerk {
    /// The court, unless it sits elsewhere.
    here: Option<Court>,
    elsewhere: Option<Elsewhere>,
    done: Arc<AtomicU64>,
}

/// A court room on another thread.
struct Elsewhere {
    orders: SyncSender<Order>,
    back: Receiver<Court>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    /// The court sits here from now on.
    Sit(Box<Court>),
    Take(Portion),
    /// The court goes back to whoever asks it.
    Rise,
}

impl Clerk {
    /// The clerk of a court for so many people.
    pub(super) fn new(court: Court, people: usize) -> Self {
        let done = court.done();
        let elsewhere = (people >= MANY).then(Elsewhere::open);
        Self { here: Some(court), elsewhere, done }
    }

    /// Whether there is enough to be taken to the court now.
    pub(super) fn is_worth_it(&self, estate: &Estate) -> bool {
        self.elsewhere.is_none() || estate.ledger.pending() >= AT_ONCE
    }

    /// Takes what happened to the court. Answers whether anything did.
    pub(super) fn take(&mut self, portion: Portion) -> bool {
        let anything = !portion.is_empty();
        match &mut self.elsewhere {
            None => {
                if let Some(court) = &mut self.here {
                    court.take(portion);
                }
            }
            Some(elsewhere) => {
                if let Some(court) = self.here.take() {
                    elsewhere.order(Order::Sit(Box::new(court)));
                }
                elsewhere.order(Order::Take(portion));
            }
        }
        anything
    }

    /// The court, when it has seen all that was taken to it.
    pub(super) fn court(&mut self) -> &mut Court {
        let elsewhere = &mut self.elsewhere;
        self.here.get_or_insert_with(|| {
            elsewhere.as_mut().expect("a court that is not here sits elsewhere").call_back()
        })
    }

    /// Flips and writes to AD that the court has seen so far.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}

impl Elsewhere {
    fn open() -> Self {
        let (orders, received) = sync_channel(AHEAD);
        let (send_back, back) = channel();
        let thread = Some(thread::spawn(move || follow(&received, &send_back)));
        Self { orders, back, thread }
    }

    fn order(&mut self, order: Order) {
        if self.orders.send(order).is_err() {
            self.pass_panic_on();
        }
    }

    fn call_back(&mut self) -> Court {
        self.order(Order::Rise);
        match self.back.recv() {
            Ok(court) => court,
            Err(_) => self.pass_panic_on(),
        }
    }

    /// The thread ends by itself only when it panicked: that is this thread's panic too.
    fn pass_panic_on(&mut self) -> ! {
        let panic = self.thread.take().and_then(|thread| thread.join().err());
        resume_unwind(panic.unwrap_or_else(|| Box::new("the court's thread is gone")))
    }
}

fn follow(orders: &Receiver<Order>, back: &Sender<Court>) {
    let mut sitting = None;
    for order in orders {
        match order {
            Order::Sit(court) => sitting = Some(*court),
            Order::Take(portion) => {
                if let Some(court) = &mut sitting {
                    court.take(portion);
                }
            }
            Order::Rise => {
                if let Some(court) = sitting.take()
                    && back.send(court).is_err()
                {
                    return;
                }
            }
        }
    }
}
