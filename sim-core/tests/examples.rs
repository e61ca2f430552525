//! The examples run; what they assert holds.

#[path = "../../examples/library.rs"]
mod library;

#[test]
fn the_library_example_runs() {
    library::main();
}
