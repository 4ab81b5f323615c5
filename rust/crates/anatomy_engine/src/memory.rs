//! Where memory comes from, and how what is freed goes back to the system.
//!
//! Plans over a few keys allocate thousands of small arrays, and builds large ones from several threads at once: mimalloc takes a
//! third off the processor time of a first index and of an edit alike, compared with the allocator of the C library.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Milliseconds until mimalloc gives a page that is free back to the system, in mimalloc's list of options
/// (`mi_option_purge_delay` in its `include/mimalloc.h`).
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// The same while a first index runs: it frees more than it keeps. At 0 the system clears as many pages again as it gives; at
/// the usual second the peak is a tenth higher.
const SOON: std::ffi::c_long = 20;

/// As long as it lives, what is freed goes back soon; an edit needs it again.
#[derive(Debug)]
pub(crate) struct Frugal {
    usual: std::ffi::c_long,
}

impl Frugal {
    #[expect(unsafe_code, reason = "the allocator has no other door to it")]
    pub(crate) fn new() -> Frugal {
        // SAFETY: options are read and written whole.
        unsafe {
            let usual = libmimalloc_sys::mi_option_get(PURGE_DELAY);
            libmimalloc_sys::mi_option_set(PURGE_DELAY, SOON);
            Frugal { usual }
        }
    }
}

impl Drop for Frugal {
    #[expect(unsafe_code, reason = "the allocator has no other door to it")]
    fn drop(&mut self) {
        // SAFETY: options are read and written whole.
        unsafe {
            libmimalloc_sys::mi_option_set(PURGE_DELAY, self.usual);
        }
    }
}

/// After much work, returns what the allocators keep for later: glibc's, which Python and the parser use, holds on to a fifth of
/// what an index had needed.
#[expect(unsafe_code, reason = "the allocators have no other door to it")]
pub fn give_back() {
    let collect = || {
        // SAFETY: it touches only what is free.
        unsafe {
            libmimalloc_sys::mi_collect(true);
        }
    };
    collect();
    // Each thread has a heap of its own.
    rayon::broadcast(|_| collect());
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        unsafe extern "C" {
            fn malloc_trim(pad: usize) -> i32;
        }
        // SAFETY: it takes a number of bytes to keep, and touches only what is free.
        unsafe {
            malloc_trim(0);
        }
    }
}
