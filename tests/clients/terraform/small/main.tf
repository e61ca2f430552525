# A VPC with some vSwitches, for what goes wrong on the way.

variable "step" {
  type = number
}

variable "vswitches" {
  type    = number
  default = 1
}

variable "network" {
  type    = string
  default = "10.0"
}

resource "alicloud_vpc" "main" {
  vpc_name   = "small"
  cidr_block = "10.0.0.0/16"
}

resource "alicloud_vswitch" "main" {
  count      = var.vswitches
  vpc_id     = alicloud_vpc.main.id
  zone_id    = "cn-hangzhou-h"
  cidr_block = "${var.network}.${count.index}.0/24"
}
