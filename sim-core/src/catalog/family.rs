//! What the name of an instance family tells: category, level and generation.
//!
//! The provider publishes these beside each family; the name carries them (`ecs.g7` is general purpose, 7th
//! generation), so they are read from it by the naming rules of the page "Naming of instance families". Families that
//! break the rules keep the closest word.

/// The letters of a family between `ecs.` and its first digit, and the digits behind them: `("g", 7)` of `ecs.g7ne`.
fn letters_and_number(family: &str) -> (&str, u32) {
    let name = family.strip_prefix("ecs.").unwrap_or(family);
    let from = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let to = name[from..].find(|c: char| !c.is_ascii_digit()).map_or(name.len(), |at| from + at);
    (&name[..from], name[from..to].parse().unwrap_or(0))
}

/// The provider's word for what a family is made for, such as `General-purpose`.
pub fn category(family: &str) -> &'static str {
    let (letters, _) = letters_and_number(family);
    const BY_PREFIX: [(&str, &str); 5] = [
        ("ebm", "ECS Bare Metal"),
        ("scc", "Super Computing Cluster"),
        ("vgn", "Visual Compute-optimized"),
        ("gn", "Compute-optimized with GPU"),
        ("hf", "High Clock Speed"),
    ];
    if let Some((_, category)) = BY_PREFIX.iter().find(|(prefix, _)| letters.starts_with(prefix)) {
        return category;
    }
    match letters {
        "c" | "ic" => "Compute-optimized",
        "sn" if family.starts_with("ecs.sn1") => "Compute-optimized",
        "r" | "re" | "se" => "Memory-optimized",
        "d" => "Big data",
        "i" => "Local SSDs",
        "f" => "Compute-optimized with FPGA",
        "t" | "s" | "n" | "xn" | "mn" | "e" | "v" => "Shared",
        _ => "General-purpose",
    }
}

/// Whether a family is burstable (`CreditEntryLevel`), shared (`EntryLevel`) or has processors of its own.
pub fn level(family: &str) -> &'static str {
    match letters_and_number(family).0 {
        "t" => "CreditEntryLevel",
        "s" | "n" | "xn" | "mn" | "e" | "v" | "u" => "EntryLevel",
        _ => "EnterpriseLevel",
    }
}

/// The generation in the provider's notation, `ecs-7` of `ecs.g7ne`. The provider publishes no list; here it is the
/// number in the family's name.
pub fn generation(family: &str) -> String {
    format!("ecs-{}", letters_and_number(family).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_told_by_its_name() {
        for (family, of, at, born) in [
            ("ecs.g7ne", "General-purpose", "EnterpriseLevel", "ecs-7"),
            ("ecs.c8i", "Compute-optimized", "EnterpriseLevel", "ecs-8"),
            ("ecs.sn1ne", "Compute-optimized", "EnterpriseLevel", "ecs-1"),
            ("ecs.sn2ne", "General-purpose", "EnterpriseLevel", "ecs-2"),
            ("ecs.re6", "Memory-optimized", "EnterpriseLevel", "ecs-6"),
            ("ecs.t6-c1m1", "Shared", "CreditEntryLevel", "ecs-6"),
            ("ecs.u1-c1m4", "General-purpose", "EntryLevel", "ecs-1"),
            ("ecs.ebmgn7", "ECS Bare Metal", "EnterpriseLevel", "ecs-7"),
            ("ecs.scchfc6", "Super Computing Cluster", "EnterpriseLevel", "ecs-6"),
            ("ecs.vgn6i-m4", "Visual Compute-optimized", "EnterpriseLevel", "ecs-6"),
            ("ecs.gn6v-c8g1", "Compute-optimized with GPU", "EnterpriseLevel", "ecs-6"),
            ("ecs.hfg7", "High Clock Speed", "EnterpriseLevel", "ecs-7"),
            ("ecs.d2s", "Big data", "EnterpriseLevel", "ecs-2"),
            ("ecs.i3g", "Local SSDs", "EnterpriseLevel", "ecs-3"),
            ("ecs.f3-c4f1", "Compute-optimized with FPGA", "EnterpriseLevel", "ecs-3"),
        ] {
            assert_eq!(
                (category(family), level(family), generation(family).as_str()),
                (of, at, born),
                "{family}"
            );
        }
    }
}
