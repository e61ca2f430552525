//! What follows from the list of tables: row storage, derived indexes, undo records, and walks over all rows.

/// Makes tables, indexes, undo and the walks over all rows from the list of tables in `world.rs`.
macro_rules! tables {
    ($($number:literal $name:ident $row:ty;)*) => {
        /// The rows of a world.
        #[derive(Clone, Debug, Default)]
        pub struct Tables { $($name: Table<$row>),* }

        /// What is derived from the rows of a world.
        #[derive(Clone, Debug, Default)]
        pub struct Indexes { $(#[doc = concat!("Derived from `", stringify!($name), "`.")] pub $name: <$row as Row>::Index),* }

        /// How a change is taken back: the row as it was.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Debug)]
        pub(crate) enum Undo { $($name(<$row as Row>::Key, Option<Box<$row>>)),* }

        /// A row that has its place in the list of tables.
        pub trait Stored: Row {
            /// The table's number.
            const TABLE: TableId;
            /// The table's name.
            const NAME: &'static str;
            #[doc(hidden)]
            fn of(tables: &Tables) -> &Table<Self>;
            #[doc(hidden)]
            fn of_mut(tables: &mut Tables) -> &mut Table<Self>;
            #[doc(hidden)]
            #[allow(private_interfaces)]
            fn undo(key: Self::Key, old: Option<Box<Self>>) -> Undo;
        }

        $(impl Stored for $row {
            const TABLE: TableId = $number;
            const NAME: &'static str = stringify!($name);
            fn of(tables: &Tables) -> &Table<Self> { &tables.$name }
            fn of_mut(tables: &mut Tables) -> &mut Table<Self> { &mut tables.$name }
            #[allow(private_interfaces)]
            fn undo(key: Self::Key, old: Option<Box<Self>>) -> Undo { Undo::$name(key, old) }
        })*

        // A walk in slices goes on behind a table's number, and would begin anew if one stood out of order.
        const _: () = {
            let numbers: &[TableId] = &[$($number),*];
            let mut at = 1;
            while at < numbers.len() {
                assert!(numbers[at - 1] < numbers[at], "tables stand in the order of their numbers");
                at += 1;
            }
        };

        /// Name and number of every table.
        pub const TABLES: &[(&str, TableId)] = &[$((stringify!($name), $number)),*];

        /// The version in which rows of a table are written.
        fn table_version(table: TableId) -> u8 {
            match table { $($number => <$row as Row>::VERSION,)* _ => 0 }
        }

        /// The row before a change, encoded.
        fn encode_undo_row(undo: &Undo) -> Option<Vec<u8>> {
            match undo { $(Undo::$name(_, old) => old.as_ref().map(|row| encode(row.as_ref()))),* }
        }

        impl World {
            /// Calls `f` with the name of each table and how many rows it has.
            pub fn for_each_table(&self, mut f: impl FnMut(&'static str, u64)) {
                $(f(stringify!($name), self.tables.$name.len() as u64);)*
            }

            fn take_back(&mut self, undo: Undo) {
                match undo { $(Undo::$name(key, old) => self.reset_row::<$row>(key, old)),* }
            }

            /// Table and key of a change, encoded.
            fn encode_undo_key(&self, undo: &Undo) -> (TableId, Vec<u8>) {
                match undo { $(Undo::$name(key, _) => ($number, encode_key(key))),* }
            }

            fn encode_now(&self, undo: &Undo) -> Option<Vec<u8>> {
                match undo { $(Undo::$name(key, _) => self.tables.$name.get(key).map(encode)),* }
            }

            /// Calls `f` with each row in canonical order: table, encoded key, version, encoded row.
            pub fn for_each_row(&self, mut f: impl FnMut(TableId, u8, &[u8], &[u8])) {
                $(for row in self.tables.$name.iter() {
                    f($number, <$row as Row>::VERSION, &encode(&row.key()), &encode(row));
                })*
            }

            /// Calls `f` with the table's name and the row as JSON, in canonical order: for people, and for checks that
            /// hold for all rows.
            pub fn for_each_row_json(&self, mut f: impl FnMut(&'static str, String)) {
                $(for row in self.tables.$name.iter() {
                    f(stringify!($name), serde_json::to_string(row).expect("rows always encode"));
                })*
            }

            /// Encodes at most `limit` rows that come after `cursor`, and says where to go on.
            pub fn slice(&self, cursor: Option<&Cursor>, limit: usize) -> (Vec<Change>, Option<Cursor>) {
                let mut out = Vec::new();
                let mut from = cursor;
                $(
                    if from.is_none_or(|c| c.table <= $number) {
                        let key = from.filter(|c| c.table == $number).map(|c| {
                            postcard::from_bytes::<<$row as Row>::Key>(&c.key).expect("a cursor holds a key of its table")
                        });
                        for row in self.tables.$name.after(key.as_ref()) {
                            if out.len() >= limit {
                                let last: &Change = out.last().expect("the limit is at least 1");
                                let next = Cursor { table: last.table, key: last.key.clone() };
                                return (out, Some(next));
                            }
                            out.push(Change {
                                table: $number,
                                version: <$row as Row>::VERSION,
                                key: encode(&row.key()),
                                row: Some(encode(row)),
                            });
                        }
                        from = from.filter(|c| c.table > $number);
                    }
                )*
                let _ = from;
                (out, None)
            }

            fn load_change(&mut self, change: &Change) -> Result<(), DecodeError> {
                match change.table {
                    $($number => match &change.row {
                        Some(bytes) => { self.tables.$name.put(Box::new(<$row as Row>::upgrade(change.version, bytes)?)); }
                        None => {
                            let key = postcard::from_bytes(&change.key).map_err(|_| DecodeError::Malformed)?;
                            self.tables.$name.take(&key);
                        }
                    },)*
                    other => return Err(DecodeError::UnknownTable(other)),
                }
                Ok(())
            }

            /// Builds indexes and digest anew from the rows.
            fn derive_all(&mut self) {
                let mut indexes = Indexes::default();
                let mut digest = 0u128;
                $(for row in self.tables.$name.iter() {
                    <$row as Row>::reindex(&mut indexes, None, Some(row));
                    digest = digest.wrapping_add(row_hash($number, &encode(&row.key()), &encode(row)));
                })*
                self.indexes = indexes;
                self.digest = digest;
            }
        }
    };
}
