//! The health of what stands behind listeners, against a prober that looks at every millisecond.

#[allow(dead_code)]
#[path = "../instances/lab.rs"]
mod lab;
mod prober;
mod random;
