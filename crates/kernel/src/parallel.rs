//! Independent jobs on several threads.

use crate::error::{Error, Result, ensure};
use std::sync::{Mutex, PoisonError};

/// Runs `work` over the jobs on `threads` threads, all ended on return; the first error wins.
pub(crate) fn share_out<Job: Send>(
    threads: usize,
    jobs: impl Iterator<Item = Job> + Send,
    work: impl Fn(Job) -> Result<()> + Sync,
) -> Result<()> {
    ensure(
        (1..=1024).contains(&threads),
        Error::Range("threads must be in 1..=1024"),
    )?;
    if threads == 1 {
        let mut jobs = jobs;
        return jobs.try_for_each(work);
    }
    let queue = Mutex::new((jobs, Ok(())));
    let worker = || {
        loop {
            let next = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                if queue.1.is_ok() {
                    queue.0.next()
                } else {
                    None
                }
            };
            let Some(job) = next else { return };
            if let Err(error) = work(job) {
                queue.lock().unwrap_or_else(PoisonError::into_inner).1 = Err(error);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where the system refuses a thread, the others do its part.
            let _ = std::thread::Builder::new().spawn_scoped(scope, worker);
        }
        worker();
    });
    queue.into_inner().unwrap_or_else(PoisonError::into_inner).1
}
