//! What stands behind listeners: the members of pools, and their health against a prober that looks at every millisecond.

#[allow(dead_code)]
#[path = "../instances/lab.rs"]
mod lab;
mod pool_members;
mod prober;
mod random;
