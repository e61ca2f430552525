# VPCs with all that stands in them, and the ways out. Step 1 changes every argument that can be changed in place; step 2
# is step 0 again.

variable "step" {
  type = number
}

locals {
  changed = var.step == 1
  tags    = local.changed ? { env = "two", team = "b" } : { env = "one", owner = "a" }
}

resource "alicloud_vpc" "main" {
  vpc_name                       = local.changed ? "main-2" : "main"
  cidr_block                     = "10.0.0.0/8"
  description                    = local.changed ? "" : "The first"
  user_cidrs                     = ["203.0.113.0/24"]
  system_route_table_name        = local.changed ? "system-2" : "system"
  system_route_table_description = local.changed ? "" : "The table that came with the VPC"
  enable_ipv6                    = true
  tags                           = local.tags
}

# Everything left to the service.
resource "alicloud_vpc" "plain" {
  cidr_block = "172.16.0.0/12"
}

resource "alicloud_vpc" "secondary" {
  vpc_name              = "secondary"
  cidr_block            = "192.168.0.0/16"
  secondary_cidr_blocks = local.changed ? ["172.16.0.0/16"] : ["10.0.0.0/16", "172.16.0.0/16"]
}

resource "alicloud_vswitch" "a" {
  vpc_id       = alicloud_vpc.main.id
  zone_id      = "cn-hangzhou-h"
  cidr_block   = "10.0.1.0/24"
  vswitch_name = local.changed ? "a-2" : "a"
  description  = local.changed ? "" : "In the first zone"
  tags         = local.tags
}

resource "alicloud_vswitch" "b" {
  vpc_id               = alicloud_vpc.main.id
  zone_id              = "cn-hangzhou-i"
  cidr_block           = "10.0.2.0/24"
  enable_ipv6          = true
  ipv6_cidr_block_mask = 8
}

resource "alicloud_route_table" "main" {
  vpc_id           = alicloud_vpc.main.id
  route_table_name = local.changed ? "custom-2" : "custom"
  description      = local.changed ? "Changed" : "A table of our own"
  associate_type   = "VSwitch"
  tags             = local.tags
}

resource "alicloud_route_table_attachment" "main" {
  route_table_id = alicloud_route_table.main.id
  vswitch_id     = alicloud_vswitch.a.id
}

# A route's own arguments make a new one.
resource "alicloud_route_entry" "main" {
  route_table_id        = alicloud_route_table.main.id
  destination_cidrblock = local.changed ? "198.51.100.0/24" : "192.0.2.0/24"
  nexthop_type          = "NetworkInterface"
  nexthop_id            = alicloud_ecs_network_interface.main.id
  name                  = "to-the-interface"
  description           = "By a network interface"

  # A table takes changes one at a time.
  depends_on = [alicloud_route_table_attachment.main]
}

resource "alicloud_security_group" "main" {
  vpc_id              = alicloud_vpc.main.id
  security_group_name = local.changed ? "web-2" : "web"
  description         = local.changed ? "Changed" : "Web servers"
  inner_access_policy = local.changed ? "Drop" : "Accept"
  tags                = local.tags
}

resource "alicloud_security_group" "enterprise" {
  vpc_id              = alicloud_vpc.main.id
  security_group_name = "enterprise"
  security_group_type = "enterprise"
}

# Without `nic_type` the provider asks for the type `<nil>`, for which the service documents an error.
resource "alicloud_security_group_rule" "cidr" {
  security_group_id = alicloud_security_group.main.id
  type              = "ingress"
  nic_type          = "intranet"
  ip_protocol       = "tcp"
  port_range        = "443/443"
  priority          = 1
  cidr_ip           = "0.0.0.0/0"
  description       = local.changed ? "From anywhere" : "From everywhere"
}

resource "alicloud_security_group_rule" "group" {
  security_group_id        = alicloud_security_group.main.id
  type                     = "ingress"
  nic_type                 = "intranet"
  ip_protocol              = "all"
  port_range               = "-1/-1"
  priority                 = 10
  source_security_group_id = alicloud_security_group.other.id
}

resource "alicloud_security_group_rule" "ipv6" {
  security_group_id = alicloud_security_group.main.id
  type              = "ingress"
  nic_type          = "intranet"
  ip_protocol       = "udp"
  port_range        = "53/53"
  ipv6_cidr_ip      = "2001:db8::/32"
}

# Another priority makes a new rule.
resource "alicloud_security_group_rule" "egress" {
  security_group_id = alicloud_security_group.main.id
  type              = "egress"
  nic_type          = "intranet"
  ip_protocol       = "tcp"
  port_range        = "25/25"
  policy            = "drop"
  priority          = local.changed ? 20 : 10
  cidr_ip           = "0.0.0.0/0"
}

resource "alicloud_ecs_network_interface" "main" {
  vswitch_id                         = alicloud_vswitch.a.id
  security_group_ids                 = local.changed ? [alicloud_security_group.other.id] : [alicloud_security_group.main.id]
  network_interface_name             = local.changed ? "interface-2" : "interface"
  description                        = local.changed ? "Changed" : "With addresses by count"
  primary_ip_address                 = "10.0.1.20"
  secondary_private_ip_address_count = local.changed ? 3 : 1
  tags                               = local.tags
}

resource "alicloud_security_group" "other" {
  vpc_id              = alicloud_vpc.main.id
  security_group_name = "other"
}

resource "alicloud_ecs_network_interface" "addresses" {
  vswitch_id           = alicloud_vswitch.b.id
  security_group_ids   = [alicloud_security_group.main.id]
  private_ip_addresses = local.changed ? ["10.0.2.31", "10.0.2.33"] : ["10.0.2.31", "10.0.2.32"]
  ipv6_address_count   = local.changed ? 2 : 1
}

resource "alicloud_network_acl" "main" {
  vpc_id           = alicloud_vpc.main.id
  network_acl_name = local.changed ? "acl-2" : "acl"
  description      = local.changed ? "Changed" : "What may pass"
  tags             = local.tags

  ingress_acl_entries {
    description            = "web"
    network_acl_entry_name = "web"
    source_cidr_ip         = local.changed ? "198.51.100.0/24" : "0.0.0.0/0"
    policy                 = "accept"
    port                   = "443/443"
    protocol               = "tcp"
  }
  ingress_acl_entries {
    description            = "the rest"
    network_acl_entry_name = "rest"
    source_cidr_ip         = "0.0.0.0/0"
    policy                 = "drop"
    port                   = "-1/-1"
    protocol               = "all"
  }
  egress_acl_entries {
    description            = "out"
    network_acl_entry_name = "out"
    destination_cidr_ip    = "0.0.0.0/0"
    policy                 = local.changed ? "drop" : "accept"
    port                   = "-1/-1"
    protocol               = "all"
  }

  resources {
    resource_id   = local.changed ? alicloud_vswitch.a.id : alicloud_vswitch.b.id
    resource_type = "VSwitch"
  }
}

resource "alicloud_eip_address" "main" {
  address_name         = local.changed ? "way-out-2" : "way-out"
  description          = local.changed ? "Changed" : "For the NAT gateway"
  isp                  = "BGP"
  netmode              = "public"
  internet_charge_type = "PayByTraffic"
  payment_type         = "PayAsYouGo"
  bandwidth            = local.changed ? "10" : "5"
  deletion_protection  = local.changed
  tags                 = local.tags
}

resource "alicloud_eip_address" "plain" {
}

resource "alicloud_eip_association" "nat" {
  allocation_id = alicloud_eip_address.main.id
  instance_id   = alicloud_nat_gateway.main.id
}

resource "alicloud_eip_association" "plain" {
  allocation_id = alicloud_eip_address.plain.id
  instance_id   = alicloud_nat_gateway.main.id
  instance_type = "Nat"
}

resource "alicloud_nat_gateway" "main" {
  vpc_id               = alicloud_vpc.main.id
  vswitch_id           = alicloud_vswitch.a.id
  nat_gateway_name     = local.changed ? "nat-2" : "nat"
  description          = local.changed ? "Changed" : "The way out"
  nat_type             = "Enhanced"
  payment_type         = "PayAsYouGo"
  internet_charge_type = "PayByLcu"
  network_type         = "internet"
  deletion_protection  = local.changed
  icmp_reply_enabled   = !local.changed
  tags                 = local.tags
}

resource "alicloud_nat_gateway" "bind_mode" {
  vpc_id        = alicloud_vpc.main.id
  vswitch_id    = alicloud_vswitch.b.id
  nat_type      = "Enhanced"
  # It goes from MULTI_BINDED to NAT alone, and a stack goes to and fro.
  eip_bind_mode = "NAT"
}

resource "alicloud_snat_entry" "vswitch" {
  snat_table_id     = alicloud_nat_gateway.main.snat_table_ids
  source_vswitch_id = alicloud_vswitch.a.id
  snat_ip           = local.changed ? "${alicloud_eip_address.main.ip_address},${alicloud_eip_address.plain.ip_address}" : alicloud_eip_address.main.ip_address
  snat_entry_name   = local.changed ? "from-a-2" : "from-a"
  eip_affinity      = local.changed ? 0 : 1
  depends_on        = [alicloud_eip_association.nat, alicloud_eip_association.plain]
}

resource "alicloud_snat_entry" "cidr" {
  snat_table_id = alicloud_nat_gateway.main.snat_table_ids
  source_cidr   = "10.0.2.128/25"
  snat_ip       = alicloud_eip_address.main.ip_address
  depends_on    = [alicloud_eip_association.nat, alicloud_eip_association.plain]
}

resource "alicloud_forward_entry" "main" {
  forward_table_id   = alicloud_nat_gateway.main.forward_table_ids
  forward_entry_name = local.changed ? "ssh-2" : "ssh"
  external_ip        = alicloud_eip_address.plain.ip_address
  external_port      = local.changed ? "222" : "22"
  internal_ip        = "10.0.1.20"
  internal_port      = local.changed ? "222" : "22"
  ip_protocol        = local.changed ? "udp" : "tcp"
  depends_on         = [alicloud_eip_association.plain]
}

data "alicloud_zones" "all" {
  available_resource_creation = "VSwitch"

  lifecycle {
    postcondition {
      condition     = contains(self.ids, "cn-hangzhou-h") && contains(self.ids, "cn-hangzhou-i")
      error_message = "Zones: ${join(", ", self.ids)}"
    }
  }
}

data "alicloud_vpcs" "ids" {
  ids        = [alicloud_vpc.main.id]
  depends_on = [alicloud_vswitch.a, alicloud_vswitch.b]

  lifecycle {
    postcondition {
      condition = (
        length(self.vpcs) == 1 && self.vpcs[0].cidr_block == "10.0.0.0/8" &&
        self.vpcs[0].vpc_name == alicloud_vpc.main.vpc_name &&
        self.vpcs[0].route_table_id == alicloud_vpc.main.route_table_id &&
        length(self.vpcs[0].vswitch_ids) == 2 && self.vpcs[0].status == "Available"
      )
      error_message = jsonencode(self.vpcs)
    }
  }
}

data "alicloud_vpcs" "regex" {
  name_regex = "^main"
  cidr_block = "10.0.0.0/8"
  tags       = local.tags
  depends_on = [alicloud_vpc.main]

  lifecycle {
    postcondition {
      condition     = self.ids == tolist([alicloud_vpc.main.id])
      error_message = jsonencode(self.vpcs)
    }
  }
}

data "alicloud_vswitches" "vpc" {
  vpc_id     = alicloud_vpc.main.id
  depends_on = [alicloud_vswitch.a, alicloud_vswitch.b]

  lifecycle {
    postcondition {
      condition     = toset(self.ids) == toset([alicloud_vswitch.a.id, alicloud_vswitch.b.id])
      error_message = jsonencode(self.vswitches)
    }
  }
}

data "alicloud_vswitches" "zone" {
  ids     = [alicloud_vswitch.a.id, alicloud_vswitch.b.id]
  zone_id = "cn-hangzhou-h"

  lifecycle {
    postcondition {
      condition = (
        length(self.vswitches) == 1 && self.vswitches[0].cidr_block == "10.0.1.0/24" &&
        self.vswitches[0].zone_id == "cn-hangzhou-h" && self.vswitches[0].vpc_id == alicloud_vpc.main.id
      )
      error_message = jsonencode(self.vswitches)
    }
  }
}

data "alicloud_security_groups" "vpc" {
  vpc_id     = alicloud_vpc.main.id
  name_regex = "^(web|enterprise)"
  depends_on = [alicloud_security_group.main, alicloud_security_group.enterprise]

  lifecycle {
    postcondition {
      condition     = toset(self.ids) == toset([alicloud_security_group.main.id, alicloud_security_group.enterprise.id])
      error_message = jsonencode(self.groups)
    }
  }
}
