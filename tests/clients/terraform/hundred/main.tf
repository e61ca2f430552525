# A hundred resources as a small shop has them: a VPC with three tiers, ways in and out, and load balancers in front.

variable "step" {
  type = number
}

resource "alicloud_vpc" "main" {
  vpc_name   = "shop"
  cidr_block = "10.0.0.0/8"
}

resource "alicloud_vswitch" "main" {
  count        = 10
  vpc_id       = alicloud_vpc.main.id
  zone_id      = count.index % 2 == 0 ? "cn-hangzhou-h" : "cn-hangzhou-i"
  cidr_block   = "10.0.${count.index}.0/24"
  vswitch_name = "tier-${count.index}"
}

resource "alicloud_route_table" "main" {
  count            = 3
  vpc_id           = alicloud_vpc.main.id
  route_table_name = "tier-${count.index}"
}

resource "alicloud_route_table_attachment" "main" {
  count          = 3
  route_table_id = alicloud_route_table.main[count.index].id
  vswitch_id     = alicloud_vswitch.main[count.index].id
}

resource "alicloud_route_entry" "main" {
  count                 = 6
  route_table_id        = alicloud_vpc.main.route_table_id
  destination_cidrblock = "192.168.${count.index}.0/24"
  nexthop_type          = "NetworkInterface"
  nexthop_id            = alicloud_ecs_network_interface.main[count.index].id
}

resource "alicloud_security_group" "main" {
  count               = 6
  vpc_id              = alicloud_vpc.main.id
  security_group_name = "tier-${count.index}"
}

resource "alicloud_security_group_rule" "main" {
  count             = 24
  security_group_id = alicloud_security_group.main[count.index % 6].id
  type              = "ingress"
  nic_type          = "intranet"
  ip_protocol       = "tcp"
  port_range        = "${8000 + count.index}/${8000 + count.index}"
  cidr_ip           = "10.0.0.0/8"
}

resource "alicloud_ecs_network_interface" "main" {
  count              = 10
  vswitch_id         = alicloud_vswitch.main[count.index].id
  security_group_ids = [alicloud_security_group.main[count.index % 6].id]
}

resource "alicloud_instance" "main" {
  count           = 8
  instance_type   = "ecs.g6.large"
  image_id        = "aliyun_2_1903_x64_20G_alibase_20240628.vhd"
  vswitch_id      = alicloud_vswitch.main[count.index].id
  security_groups = [alicloud_security_group.main[count.index % 6].id]
}

resource "alicloud_network_acl" "main" {
  vpc_id           = alicloud_vpc.main.id
  network_acl_name = "shop"
}

resource "alicloud_eip_address" "main" {
  count        = 6
  address_name = "way-${count.index}"
}

resource "alicloud_nat_gateway" "main" {
  vpc_id     = alicloud_vpc.main.id
  vswitch_id = alicloud_vswitch.main[9].id
  nat_type   = "Enhanced"
}

resource "alicloud_eip_association" "main" {
  count         = 2
  allocation_id = alicloud_eip_address.main[count.index].id
  instance_id   = alicloud_nat_gateway.main.id
}

resource "alicloud_snat_entry" "main" {
  count             = 2
  snat_table_id     = alicloud_nat_gateway.main.snat_table_ids
  source_vswitch_id = alicloud_vswitch.main[count.index].id
  snat_ip           = alicloud_eip_address.main[0].ip_address
  depends_on        = [alicloud_eip_association.main]
}

resource "alicloud_forward_entry" "main" {
  count            = 2
  forward_table_id = alicloud_nat_gateway.main.forward_table_ids
  external_ip      = alicloud_eip_address.main[1].ip_address
  external_port    = tostring(22 + count.index)
  internal_ip      = alicloud_instance.main[count.index].private_ip
  internal_port    = "22"
  ip_protocol      = "tcp"
  depends_on       = [alicloud_eip_association.main]
}

resource "alicloud_slb_acl" "main" {
  name = "friends"
}

resource "alicloud_slb_load_balancer" "main" {
  count              = 3
  load_balancer_name = "front-${count.index}"
  address_type       = "intranet"
  vswitch_id         = alicloud_vswitch.main[count.index].id
  load_balancer_spec = "slb.s1.small"
}

resource "alicloud_slb_server_group" "main" {
  count            = 3
  load_balancer_id = alicloud_slb_load_balancer.main[count.index].id
  name             = "pool"

  servers {
    server_ids = [alicloud_instance.main[count.index].id]
    port       = 8080
  }
}

resource "alicloud_slb_listener" "main" {
  count            = 6
  load_balancer_id = alicloud_slb_load_balancer.main[floor(count.index / 2)].id
  protocol         = count.index % 2 == 0 ? "http" : "tcp"
  frontend_port    = count.index % 2 == 0 ? 80 : 22
  bandwidth        = -1
  health_check     = count.index % 2 == 0 ? "off" : "on"
  sticky_session   = count.index % 2 == 0 ? "off" : null
  server_group_id  = alicloud_slb_server_group.main[floor(count.index / 2)].id
}

resource "alicloud_slb_rule" "main" {
  count            = 2
  load_balancer_id = alicloud_slb_load_balancer.main[count.index].id
  frontend_port    = alicloud_slb_listener.main[count.index * 2].frontend_port
  url              = "/cart"
  server_group_id  = alicloud_slb_server_group.main[count.index].id
}
