# Addresses of every sort on interfaces of instances and on others, and instances that move. Step 1 changes every argument
# that can be changed in place; step 2 is step 0 again.

variable "step" {
  type = number
}

locals {
  changed = var.step == 1
  tags    = local.changed ? { env = "two", team = "b" } : { env = "one", owner = "a" }
  image   = "aliyun_2_1903_x64_20G_alibase_20240628.vhd"
}

resource "alicloud_vpc" "interfaces" {
  vpc_name            = "interfaces"
  cidr_block          = "10.0.0.0/16"
  enable_ipv6         = true
  dns_hostname_status = local.changed ? "ENABLED" : "DISABLED"
}

resource "alicloud_vswitch" "interfaces" {
  vpc_id               = alicloud_vpc.interfaces.id
  zone_id              = "cn-hangzhou-k"
  cidr_block           = "10.0.1.0/24"
  enable_ipv6          = true
  ipv6_cidr_block_mask = 1
}

# Its IPv6 block goes and comes back.
resource "alicloud_vswitch" "other" {
  vpc_id               = alicloud_vpc.interfaces.id
  zone_id              = "cn-hangzhou-k"
  cidr_block           = "10.0.2.0/24"
  enable_ipv6          = !local.changed
  ipv6_cidr_block_mask = local.changed ? null : 2
}

resource "alicloud_security_group" "interfaces" {
  vpc_id              = alicloud_vpc.interfaces.id
  security_group_name = "interfaces"
}

resource "alicloud_instance" "counted" {
  instance_type                      = "ecs.g6.large"
  image_id                           = local.image
  vswitch_id                         = alicloud_vswitch.interfaces.id
  security_groups                    = [alicloud_security_group.interfaces.id]
  system_disk_category               = "cloud_essd"
  system_disk_performance_level      = "PL1"
  volume_tags                        = local.tags
  secondary_private_ip_address_count = local.changed ? 2 : 1
  role_name                          = "node"
  instance_charge_type               = "PostPaid"
  spot_strategy                      = "NoSpot"
  force_delete                       = true
}

resource "alicloud_instance" "listed" {
  instance_type   = "ecs.g6.large"
  image_id        = local.image
  vswitch_id      = alicloud_vswitch.interfaces.id
  security_groups = [alicloud_security_group.interfaces.id]
  ipv6_addresses  = [cidrhost(alicloud_vswitch.interfaces.ipv6_cidr_block, 5)]
}

resource "alicloud_instance" "moved" {
  instance_type   = "ecs.g6.large"
  image_id        = local.image
  vswitch_id      = local.changed ? alicloud_vswitch.other.id : alicloud_vswitch.interfaces.id
  security_groups = [alicloud_security_group.interfaces.id]
}

resource "alicloud_ecs_network_interface" "counted" {
  vswitch_id         = alicloud_vswitch.interfaces.id
  security_group_ids = [alicloud_security_group.interfaces.id]
  ipv4_prefix_count  = local.changed ? 2 : 1
}

resource "alicloud_ecs_network_interface" "listed" {
  vswitch_id                     = alicloud_vswitch.interfaces.id
  security_group_ids             = [alicloud_security_group.interfaces.id]
  ipv4_prefixes                  = local.changed ? ["10.0.1.128/28", "10.0.1.144/28"] : ["10.0.1.128/28"]
  ipv6_addresses                 = [cidrhost(alicloud_vswitch.interfaces.ipv6_cidr_block, local.changed ? 7 : 6)]
  network_interface_traffic_mode = "Standard"
}

resource "alicloud_ecs_network_interface" "queues" {
  vswitch_id         = alicloud_vswitch.interfaces.id
  security_group_ids = [alicloud_security_group.interfaces.id]
  queue_number       = local.changed ? 4 : 2
  source_dest_check  = !local.changed
  delete_on_release  = true
}

resource "alicloud_ecs_network_interface" "public" {
  vswitch_id           = alicloud_vswitch.interfaces.id
  security_group_ids   = [alicloud_security_group.interfaces.id]
  primary_ip_address   = "10.0.1.240"
  private_ip_addresses = ["10.0.1.241"]
}

resource "alicloud_eip_address" "interfaces" {
}

resource "alicloud_eip_association" "interface" {
  allocation_id      = alicloud_eip_address.interfaces.id
  instance_id        = alicloud_ecs_network_interface.public.id
  instance_type      = "NetworkInterface"
  private_ip_address = "10.0.1.241"
  mode               = "NAT"
}
