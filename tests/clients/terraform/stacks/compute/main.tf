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
  instance_type              = local.changed ? "ecs.g6.xlarge" : "ecs.g6.large"
  image_id                   = data.alicloud_images.linux.images[0].id
  vswitch_id                 = alicloud_vswitch.compute.id
  private_ip                 = local.changed ? "172.16.1.11" : "172.16.1.10"
  security_groups            = local.changed ? alicloud_security_group.compute[*].id : [alicloud_security_group.compute[0].id]
  system_disk_category       = "cloud_essd"
  system_disk_size           = 40
  system_disk_name           = local.changed ? "root-2" : "root"
  system_disk_description    = local.changed ? "Changed" : "The system"
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

# What the service is told for the day on which the host is maintained.
resource "alicloud_instance" "maintained" {
  instance_type      = "ecs.g6.large"
  image_id           = data.alicloud_images.linux.images[0].id
  vswitch_id         = alicloud_vswitch.compute.id
  security_groups    = [alicloud_security_group.compute[0].id]
  maintenance_action = local.changed ? "AutoRedeploy" : "Stop"
  maintenance_notify = local.changed

  maintenance_time {
    start_time = local.changed ? "22:00:00" : "02:00:00"
    end_time   = local.changed ? "01:00:00" : "06:00:00"
  }
}

# The metadata service with tokens only, and not at all. How far its answers go is set when the instance is made.
resource "alicloud_instance" "metadata" {
  instance_type               = "ecs.g6.large"
  image_id                    = data.alicloud_images.linux.images[0].id
  vswitch_id                  = alicloud_vswitch.compute.id
  security_groups             = [alicloud_security_group.compute[0].id]
  http_endpoint               = local.changed ? "disabled" : "enabled"
  http_tokens                 = local.changed ? "optional" : "required"
  http_put_response_hop_limit = 2
}

# By use, in advance, and by use again.
resource "alicloud_instance" "paid" {
  instance_type        = "ecs.g6.large"
  image_id             = data.alicloud_images.linux.images[0].id
  vswitch_id           = alicloud_vswitch.compute.id
  security_groups      = [alicloud_security_group.compute[0].id]
  instance_charge_type = local.changed ? "PrePaid" : "PostPaid"
  period               = local.changed ? 1 : null
  period_unit          = local.changed ? "Week" : null
}

# A subscription from its making to its end, before which the provider makes it paid by use.
resource "alicloud_instance" "subscribed" {
  instance_type        = "ecs.g6.large"
  image_id             = data.alicloud_images.linux.images[0].id
  vswitch_id           = alicloud_vswitch.compute.id
  security_groups      = [alicloud_security_group.compute[0].id]
  instance_charge_type = "PrePaid"
  period               = 1
  renewal_status       = local.changed ? "AutoRenewal" : "Normal"
  auto_renew_period    = local.changed ? 2 : 1
  force_delete         = true
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
