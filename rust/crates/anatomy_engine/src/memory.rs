//! Where memory comes from, how what is freed goes back to the system, and how much is held.
//!
//! Plans over a few keys allocate thousands of small arrays, and builds large ones from several threads at once. jemalloc keeps
//! both apart and returns single pages: after a first index a process holds a tenth more than what lives, where mimalloc held half
//! as much again (`docs/decisions/0014-jemalloc.md`). It is not built where the linker is
//! Microsoft's: there the allocator of the system stays.

#[cfg(not(target_env = "msvc"))]
mod allocator {
    use std::ffi::CStr;
    use std::ptr::null_mut;

    use tikv_jemalloc_sys::mallctl;

    #[global_allocator]
    static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

    /// Two arenas, whatever the number of processors: more of them spread what lives over more pages. A column of a piece of a level
    /// (`policy/pieces.rs`) has 64 KB and shall come from the thread's own cache: that is a quarter of the time of a first index.
    /// The words are those of jemalloc(3), "TUNING".
    #[expect(unsafe_code, reason = "jemalloc reads its options from a symbol of this name")]
    #[unsafe(export_name = "_rjem_malloc_conf")]
    static OPTIONS: &[u8; 86] =
        b"narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0,tcache_max:65536,metadata_thp:disabled\0";

    /// `arena.<i>.purge` with the index that means all of them.
    const PURGE_ALL: &CStr = c"arena.4096.purge";

    #[expect(unsafe_code, reason = "the allocator has no other door to it")]
    fn act(name: &CStr) {
        // SAFETY: the names take no value and touch only what is free.
        unsafe {
            mallctl(name.as_ptr(), null_mut(), null_mut(), null_mut(), 0);
        }
    }

    #[expect(unsafe_code, reason = "the allocator has no other door to it")]
    fn read<T: Default>(name: &CStr) -> T {
        let (mut value, mut size) = (T::default(), size_of::<T>());
        // SAFETY: jemalloc writes `size` bytes at most, and refuses a size that is not that of the value.
        unsafe {
            mallctl(name.as_ptr(), (&raw mut value).cast(), &raw mut size, null_mut(), 0);
        }
        value
    }

    /// Bytes that live.
    #[expect(unsafe_code, reason = "the allocator has no other door to it")]
    pub(super) fn bytes() -> u64 {
        let mut now = 1_u64;
        // SAFETY: the epoch is a number of this size; setting it renews the statistics.
        unsafe {
            mallctl(c"epoch".as_ptr(), null_mut(), null_mut(), (&raw mut now).cast(), size_of::<u64>());
        }
        read::<usize>(c"stats.allocated") as u64
    }

    pub(super) fn flush() {
        act(c"thread.tcache.flush");
    }

    pub(super) fn purge() {
        act(PURGE_ALL);
    }

    #[test]
    fn the_options_are_those_that_it_was_given() {
        assert_eq!(OPTIONS.last(), Some(&0));
        assert_eq!((read::<u32>(c"opt.narenas"), read::<usize>(c"opt.tcache_max")), (2, 1 << 16));
        let before = bytes();
        let held = vec![1_u8; 64 << 20];
        assert!(bytes() >= before + (held.len() as u64) / 2);
    }
}

#[cfg(target_env = "msvc")]
mod allocator {
    pub(super) fn bytes() -> u64 {
        0
    }

    pub(super) fn flush() {}

    pub(super) fn purge() {}
}

/// Bytes of the engine's own memory that are in use, by the allocator's count; 0 where it does not count.
#[must_use]
pub fn held_bytes() -> u64 {
    allocator::bytes()
}

/// After much work, returns what the allocators keep for later: glibc's, which Python and the parser use, holds on to a fifth of
/// what an index had needed.
pub fn give_back() {
    allocator::flush();
    // Each thread keeps some of its own.
    rayon::broadcast(|_| allocator::flush());
    allocator::purge();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    trim();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator of the C library has no other door to it")]
fn trim() {
    unsafe extern "C" {
        fn malloc_trim(pad: usize) -> i32;
    }
    // SAFETY: it takes a number of bytes to keep, and touches only what is free.
    unsafe {
        malloc_trim(0);
    }
}
