# Instances, the interfaces and addresses that they are given, and routes to them. Step 1 changes every argument that can
# be changed in place; step 2 is step 0 again.

variable "step" {
  type = number
}

locals {
  changed = var.step == 1
  tags    = local.changed ? { env = "two", team = "b" } : { env = "one", owner = "a" }
}

resource "alicloud_vpc" "compute" {
  vpc_name    = "compute"
  cidr_block  = "172.16.0.0/16"
  enable_ipv6 = true
}

resource "alicloud_vswitch" "compute" {
  vpc_id               = alicloud_vpc.compute.id
  zone_id              = "cn-hangzhou-k"
  cidr_block           = "172.16.1.0/24"
  enable_ipv6          = true
  ipv6_cidr_block_mask = 1
}

resource "alicloud_security_group" "compute" {
  count               = 2
  vpc_id              = alicloud_vpc.compute.id
  security_group_name = "compute-${count.index}"
}

data "alicloud_images" "linux" {
  owners     = "system"
  name_regex = "^aliyun_3_x64"

  lifecycle {
    postcondition {
      condition     = length(self.images) > 0
      error_message = "No such image."
    }
  }
}

resource "alicloud_instance" "main" {
  instance_name              = local.changed ? "main-2" : "main"
  description                = local.changed ? "Changed" : "A server"
  host_name                  = local.changed ? "main-2" : "main"
  instance_type              = "ecs.g6.large"
  image_id                   = data.alicloud_images.linux.images[0].id
  vswitch_id                 = alicloud_vswitch.compute.id
  private_ip                 = local.changed ? "172.16.1.11" : "172.16.1.10"
  security_groups            = local.changed ? alicloud_security_group.compute[*].id : [alicloud_security_group.compute[0].id]
  system_disk_category       = "cloud_essd"
  system_disk_size           = 40
  internet_max_bandwidth_out = 0
  deletion_protection        = local.changed
  password                   = local.changed ? "Second-word-2" : "First-word-1"
  tags                       = local.tags
}

# An instance whose primary interface has secondary addresses keeps its primary one.
resource "alicloud_instance" "secondary" {
  instance_type         = "ecs.g6.large"
  image_id              = data.alicloud_images.linux.images[0].id
  vswitch_id            = alicloud_vswitch.compute.id
  security_groups       = [alicloud_security_group.compute[0].id]
  secondary_private_ips = local.changed ? ["172.16.1.13"] : ["172.16.1.12"]
}

# Everything left to the service.
resource "alicloud_instance" "plain" {
  instance_type   = "ecs.g6.large"
  image_id        = data.alicloud_images.linux.images[0].id
  vswitch_id      = alicloud_vswitch.compute.id
  security_groups = [alicloud_security_group.compute[0].id]
  status          = local.changed ? "Stopped" : "Running"
}

resource "alicloud_instance" "public" {
  instance_type              = "ecs.g6.large"
  image_id                   = data.alicloud_images.linux.images[0].id
  vswitch_id                 = alicloud_vswitch.compute.id
  security_groups            = [alicloud_security_group.compute[0].id]
  internet_charge_type       = "PayByTraffic"
  internet_max_bandwidth_out = 5
  ipv6_address_count         = 1
}

resource "alicloud_instance" "user_data" {
  instance_type   = "ecs.g6.large"
  image_id        = data.alicloud_images.linux.images[0].id
  vswitch_id      = alicloud_vswitch.compute.id
  security_groups = [alicloud_security_group.compute[0].id]
  user_data       = local.changed ? "echo two" : "echo one"
}

resource "alicloud_ecs_network_interface" "compute" {
  vswitch_id         = alicloud_vswitch.compute.id
  security_group_ids = [alicloud_security_group.compute[1].id]
}

resource "alicloud_ecs_network_interface_attachment" "main" {
  network_interface_id = alicloud_ecs_network_interface.compute.id
  instance_id          = alicloud_instance.main.id
}

resource "alicloud_eip_address" "compute" {
}

resource "alicloud_eip_association" "instance" {
  allocation_id = alicloud_eip_address.compute.id
  instance_id   = alicloud_instance.main.id
}

resource "alicloud_route_entry" "instance" {
  route_table_id        = alicloud_vpc.compute.route_table_id
  destination_cidrblock = "10.11.0.0/16"
  nexthop_type          = "Instance"
  nexthop_id            = alicloud_instance.main.id
}

data "alicloud_instances" "ids" {
  ids = [alicloud_instance.main.id, alicloud_instance.plain.id]

  lifecycle {
    postcondition {
      condition = (
        length(self.instances) == 2 &&
        toset(self.instances[*].private_ip) == toset([alicloud_instance.main.private_ip, alicloud_instance.plain.private_ip])
      )
      error_message = jsonencode(self.instances)
    }
  }
}

data "alicloud_instances" "tags" {
  vpc_id = alicloud_vpc.compute.id
  tags   = alicloud_instance.main.tags

  lifecycle {
    postcondition {
      condition     = self.ids == tolist([alicloud_instance.main.id]) && self.names == tolist([alicloud_instance.main.instance_name])
      error_message = jsonencode(self.instances)
    }
  }
}
