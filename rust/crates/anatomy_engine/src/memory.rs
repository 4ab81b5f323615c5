//! Freed memory goes back to the system.

/// After much work, returns what the allocator keeps for later: glibc's holds on to a fifth of what an index had needed.
#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "the C library has no other door to it")
)]
pub fn give_back() {
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
