//! Whom an access control list lets in, as a white and as a black list, and what an empty one does.

use sim_core::ecs::prefix_list::AddressFamily;
use sim_core::id::AccessControlListId;
use sim_core::settings::Disputed;
use sim_core::slb::acl::{
    AccessControlList, AclEntry, AclKind, CreateAccessControlList, ModifyAccessControlList, admits,
};
use sim_core::{AccountId, Caller, Command, Genesis, World};

fn give(w: &mut World, command: impl Into<Command>) -> sim_core::Reply {
    w.apply(w.now(), &Caller::new(AccountId::DEFAULT, "cn-hangzhou"), command.into()).outcome.unwrap()
}

fn entry(block: &str) -> AclEntry {
    AclEntry { block: block.parse().unwrap(), comment: "a comment".into() }
}

fn list(w: &mut World, blocks: &[&str]) -> AccessControlListId {
    let entries = blocks.iter().map(|block| entry(block)).collect();
    let (name, family) = ("offices".into(), AddressFamily::Ipv4);
    let command = CreateAccessControlList { name, family, entries, resource_group: None, tags: Vec::new() };
    give(w, command).id()
}

#[test]
fn a_white_list_lets_in_who_is_on_it_and_a_black_list_who_is_not() {
    let mut w = World::new(Genesis::default());
    let id = list(&mut w, &["10.0.0.0/8", "47.1.2.3/32"]);
    let rows = [("10.255.255.255", true), ("47.1.2.3", true), ("47.1.2.4", false), ("2408::1", false)];
    for (source, listed) in rows {
        let acl = w.get::<AccessControlList>(&id).unwrap();
        let source = source.parse().unwrap();
        assert_eq!(admits(&w, acl, AclKind::White, source), listed, "{source}");
        assert_eq!(admits(&w, acl, AclKind::Black, source), !listed, "{source}");
    }
    let (add, remove) = (vec![entry("47.1.2.4/32")], vec!["10.0.0.0/8".parse().unwrap()]);
    give(&mut w, ModifyAccessControlList { acl: id, name: None, add, remove });
    let acl = w.get::<AccessControlList>(&id).unwrap();
    assert!(admits(&w, acl, AclKind::White, "47.1.2.4".parse().unwrap()));
    assert!(!admits(&w, acl, AclKind::White, "10.0.0.1".parse().unwrap()));
}

#[test]
fn the_settings_tell_what_an_empty_white_list_does_and_an_empty_black_list_keeps_nobody_out() {
    for empty_white_list_admits in [true, false] {
        let disputed = Disputed { empty_white_list_admits, ..Disputed::default() };
        let mut w = World::new(Genesis { disputed, ..Genesis::default() });
        let id = list(&mut w, &[]);
        let acl = w.get::<AccessControlList>(&id).unwrap();
        let source = "9.9.9.9".parse().unwrap();
        assert_eq!(admits(&w, acl, AclKind::White, source), empty_white_list_admits);
        assert!(admits(&w, acl, AclKind::Black, source));
    }
    assert!(Disputed::default().empty_white_list_admits, "as the interface documents it");
}
