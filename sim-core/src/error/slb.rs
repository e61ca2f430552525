//! Rows of the error table: load balancers.

macro_rules! slb_errors {
    ($($before:tt)*) => { errors! {
        $($before)*
    } };
}
