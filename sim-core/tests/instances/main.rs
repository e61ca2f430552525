//! Instances and managed residents: each rule, the life of an instance in every profile, what goes with it, replay.

mod changes;
mod lab;
mod life;
mod residents;
mod rules;
