# Gateways of VPCs, peering, addresses that move, prefix lists, and what is kept back in a vSwitch. Step 1 changes every
# argument that can be changed in place; step 2 is step 0 again.

variable "step" {
  type = number
}

locals {
  changed = var.step == 1
  tags    = local.changed ? { env = "two", team = "b" } : { env = "one", owner = "a" }
}

resource "alicloud_vpc" "gateways" {
  vpc_name    = "gateways"
  cidr_block  = "10.0.0.0/16"
  enable_ipv6 = true
}

resource "alicloud_vpc" "far" {
  vpc_name   = "far"
  cidr_block = "172.16.0.0/16"
}

resource "alicloud_vswitch" "gateways" {
  vpc_id               = alicloud_vpc.gateways.id
  zone_id              = "cn-hangzhou-k"
  cidr_block           = "10.0.1.0/24"
  enable_ipv6          = true
  ipv6_cidr_block_mask = 1
}

resource "alicloud_vpc_ipv4_cidr_block" "main" {
  vpc_id               = alicloud_vpc.far.id
  secondary_cidr_block = "192.168.0.0/16"
}

resource "alicloud_vpc_ipv6_gateway" "main" {
  vpc_id            = alicloud_vpc.gateways.id
  ipv6_gateway_name = local.changed ? "six-2" : "six"
  description       = local.changed ? "Changed" : "by-version-6"
  tags              = local.tags
}

resource "alicloud_ecs_network_interface" "gateways" {
  vswitch_id         = alicloud_vswitch.gateways.id
  security_group_ids = [alicloud_security_group.gateways.id]
  ipv6_address_count = 1
}

resource "alicloud_security_group" "gateways" {
  vpc_id              = alicloud_vpc.gateways.id
  security_group_name = "gateways"
}

resource "alicloud_instance" "gateways" {
  count           = 2
  instance_type   = "ecs.g6.large"
  image_id        = "aliyun_2_1903_x64_20G_alibase_20240628.vhd"
  vswitch_id      = alicloud_vswitch.gateways.id
  security_groups = [alicloud_security_group.gateways.id]
}

resource "alicloud_vpc_ipv4_gateway" "main" {
  vpc_id                   = alicloud_vpc.far.id
  ipv4_gateway_name        = local.changed ? "four-2" : "four"
  ipv4_gateway_description = local.changed ? "Changed" : "The way of IPv4"
  enabled                  = true
  tags                     = local.tags
}

resource "alicloud_route_table" "gateway" {
  vpc_id           = alicloud_vpc.far.id
  route_table_name = local.changed ? "of-the-gateway-2" : "of-the-gateway"
  description      = local.changed ? "Changed" : "For what comes in"
  associate_type   = "Gateway"
}

resource "alicloud_vpc_gateway_route_table_attachment" "main" {
  ipv4_gateway_id = alicloud_vpc_ipv4_gateway.main.id
  route_table_id  = alicloud_route_table.gateway.id
}

data "alicloud_account" "own" {
}

resource "alicloud_vpc_peer_connection" "main" {
  peer_connection_name = local.changed ? "to-far-2" : "to-far"
  description          = local.changed ? "Changed" : "Between the two"
  vpc_id               = alicloud_vpc.gateways.id
  accepting_ali_uid    = data.alicloud_account.own.id
  accepting_region_id  = "cn-hangzhou"
  accepting_vpc_id     = alicloud_vpc.far.id
  tags                 = local.tags
}

resource "alicloud_route_entry" "peer" {
  route_table_id        = alicloud_vpc.gateways.route_table_id
  destination_cidrblock = "172.16.0.0/16"
  nexthop_type          = "VpcPeer"
  nexthop_id            = alicloud_vpc_peer_connection.main.id
}

resource "alicloud_havip" "main" {
  vswitch_id  = alicloud_vswitch.gateways.id
  ip_address  = "10.0.1.50"
  ha_vip_name = local.changed ? "moves-2" : "moves"
  description = local.changed ? "Changed" : "An address that moves"
  tags        = local.tags
}

# All else left to the service.
resource "alicloud_havip" "plain" {
  vswitch_id = alicloud_vswitch.gateways.id
}

# Its first instance becomes the master, which is taken off by force only.
resource "alicloud_havip_attachment" "main" {
  ha_vip_id   = alicloud_havip.main.id
  instance_id = alicloud_instance.gateways[0].id
  force       = true
}

resource "alicloud_eip_address" "gateways" {
}

resource "alicloud_eip_association" "havip" {
  allocation_id = alicloud_eip_address.gateways.id
  instance_id   = alicloud_havip.main.id
  instance_type = "HaVip"
  depends_on    = [alicloud_havip_attachment.main]
}

resource "alicloud_route_entry" "havip" {
  route_table_id        = alicloud_vpc.gateways.route_table_id
  destination_cidrblock = "192.0.2.0/24"
  nexthop_type          = "HaVip"
  nexthop_id            = alicloud_havip.main.id
  depends_on            = [alicloud_havip_attachment.main]
}

resource "alicloud_vpc_vswitch_cidr_reservation" "main" {
  vswitch_id                    = alicloud_vswitch.gateways.id
  cidr_reservation_cidr         = "10.0.1.128/28"
  ip_version                    = "IPv4"
  vswitch_cidr_reservation_name = local.changed ? "kept-2" : "kept"
  cidr_reservation_description  = local.changed ? "Changed" : "For prefixes"
}

resource "alicloud_ecs_prefix_list" "main" {
  address_family   = "IPv4"
  max_entries      = 5
  prefix_list_name = local.changed ? "offices-2" : "offices"
  description      = local.changed ? "Changed" : "Where we are"

  entry {
    cidr        = "198.51.100.0/24"
    description = local.changed ? "first again" : "first"
  }
  entry {
    cidr        = local.changed ? "203.0.113.0/25" : "203.0.113.0/24"
    description = "second"
  }
}

resource "alicloud_security_group_rule" "prefix_list" {
  security_group_id = alicloud_security_group.gateways.id
  type              = "ingress"
  nic_type          = "intranet"
  ip_protocol       = "tcp"
  port_range        = "22/22"
  prefix_list_id    = alicloud_ecs_prefix_list.main.id
}
