//! Writes the table store x promise into the README.

fn main() -> anyhow::Result<()> {
    store_matrix::table::write()
}
