# Load balancers with listeners of the four protocols, their server groups, backend servers, access control lists and
# certificates. Step 1 changes every argument that can be changed in place; step 2 is step 0 again.

variable "step" {
  type = number
}

variable "certificates" {
  type        = string
  description = "A directory with ca.pem, server.pem and server.key."
}

locals {
  changed = var.step == 1
  tags    = local.changed ? { env = "two", team = "b" } : { env = "one", owner = "a" }
}

resource "alicloud_vpc" "balancer" {
  vpc_name   = "balancer"
  cidr_block = "10.0.0.0/8"
}

resource "alicloud_vswitch" "balancer" {
  vpc_id     = alicloud_vpc.balancer.id
  zone_id    = "cn-hangzhou-k"
  cidr_block = "10.0.1.0/24"
}

resource "alicloud_security_group" "balancer" {
  vpc_id = alicloud_vpc.balancer.id
}

resource "alicloud_instance" "server" {
  count           = 2
  instance_type   = "ecs.g6.large"
  image_id        = "aliyun_2_1903_x64_20G_alibase_20240628.vhd"
  vswitch_id      = alicloud_vswitch.balancer.id
  security_groups = [alicloud_security_group.balancer.id]
}

resource "alicloud_ecs_network_interface" "server" {
  vswitch_id         = alicloud_vswitch.balancer.id
  security_group_ids = [alicloud_security_group.balancer.id]
}

resource "alicloud_ecs_network_interface_attachment" "server" {
  network_interface_id = alicloud_ecs_network_interface.server.id
  instance_id          = alicloud_instance.server[0].id
}

resource "alicloud_slb_load_balancer" "internet" {
  load_balancer_name             = local.changed ? "front-2" : "front"
  address_type                   = "internet"
  internet_charge_type           = "PayByTraffic"
  load_balancer_spec             = local.changed ? "slb.s2.small" : "slb.s1.small"
  instance_charge_type           = "PayBySpec"
  payment_type                   = "PayAsYouGo"
  delete_protection              = local.changed ? "on" : "off"
  modification_protection_status = local.changed ? "ConsoleProtection" : "NonProtection"
  modification_protection_reason = local.changed ? "In use" : null
  status                         = local.changed ? "inactive" : "active"
  tags                           = local.tags
}

resource "alicloud_slb_load_balancer" "intranet" {
  load_balancer_name = "inside"
  address_type       = "intranet"
  vswitch_id         = alicloud_vswitch.balancer.id
  load_balancer_spec = "slb.s1.small"
}

resource "alicloud_slb_load_balancer" "bandwidth" {
  load_balancer_name   = "by-bandwidth"
  address_type         = "internet"
  internet_charge_type = "PayByBandwidth"
  bandwidth            = local.changed ? 20 : 10
  load_balancer_spec   = "slb.s1.small"
}

resource "alicloud_slb_load_balancer" "zones" {
  load_balancer_name = "zones"
  address_type       = "intranet"
  vswitch_id         = alicloud_vswitch.balancer.id
  address            = "10.0.1.99"
  master_zone_id     = "cn-hangzhou-k"
  slave_zone_id      = "cn-hangzhou-j"
  load_balancer_spec = "slb.s1.small"
}

# All else left to the service.
resource "alicloud_slb_load_balancer" "plain" {
  load_balancer_spec = "slb.s1.small"
}

resource "alicloud_slb_acl" "main" {
  name       = local.changed ? "friends-2" : "friends"
  ip_version = "ipv4"
  tags       = local.tags

  entry_list {
    entry   = "10.10.10.0/24"
    comment = local.changed ? "first again" : "first"
  }
  entry_list {
    entry   = local.changed ? "168.10.10.0/24" : "172.10.10.0/24"
    comment = "second"
  }
}

resource "alicloud_slb_acl" "plain" {
  name = "plain"
}

resource "alicloud_slb_server_certificate" "main" {
  name               = local.changed ? "site-2" : "site"
  server_certificate = file("${var.certificates}/server.pem")
  private_key        = file("${var.certificates}/server.key")
  tags               = local.tags
}

resource "alicloud_slb_ca_certificate" "main" {
  ca_certificate_name = local.changed ? "clients-2" : "clients"
  ca_certificate      = file("${var.certificates}/ca.pem")
  tags                = local.tags
}

resource "alicloud_slb_server_group" "main" {
  load_balancer_id = alicloud_slb_load_balancer.intranet.id
  name             = local.changed ? "pool-2" : "pool"
  tags             = local.tags

  servers {
    server_ids = local.changed ? [alicloud_instance.server[0].id] : alicloud_instance.server[*].id
    port       = 8080
    weight     = local.changed ? 50 : 100
  }
  servers {
    server_ids = [alicloud_ecs_network_interface.server.id]
    port       = local.changed ? 9091 : 9090
    weight     = 10
    type       = "eni"
  }

  depends_on = [alicloud_ecs_network_interface_attachment.server]
}

resource "alicloud_slb_server_group" "plain" {
  load_balancer_id = alicloud_slb_load_balancer.internet.id
}

resource "alicloud_slb_backend_server" "main" {
  load_balancer_id = alicloud_slb_load_balancer.intranet.id

  backend_servers {
    server_id = alicloud_instance.server[0].id
    weight    = local.changed ? 50 : 100
  }
  dynamic "backend_servers" {
    for_each = local.changed ? [] : [1]
    content {
      server_id = alicloud_instance.server[1].id
      weight    = 80
    }
  }
}

resource "alicloud_slb_listener" "tcp" {
  load_balancer_id          = alicloud_slb_load_balancer.intranet.id
  protocol                  = "tcp"
  frontend_port             = 22
  backend_port              = 22
  bandwidth                 = local.changed ? 20 : 10
  description               = local.changed ? "Changed" : "By TCP"
  scheduler                 = local.changed ? "rr" : "wrr"
  persistence_timeout       = local.changed ? 0 : 3600
  healthy_threshold         = local.changed ? 5 : 8
  unhealthy_threshold       = local.changed ? 5 : 8
  health_check_type         = local.changed ? "http" : "tcp"
  health_check_domain       = local.changed ? "example.com" : null
  health_check_uri          = local.changed ? "/health" : null
  health_check_timeout      = local.changed ? 4 : 8
  health_check_interval     = local.changed ? 3 : 5
  health_check_http_code    = local.changed ? "http_2xx,http_3xx" : null
  health_check_connect_port = local.changed ? 2022 : 20
  established_timeout       = local.changed ? 300 : 600
  acl_status                = local.changed ? "off" : "on"
  acl_type                  = "white"
  acl_ids                   = [alicloud_slb_acl.main.id]
  server_group_id           = local.changed ? alicloud_slb_server_group.main.id : null
  proxy_protocol_v2_enabled = local.changed
}

# The members of a group have ports of their own, and the provider then shows no backend_port: an import would miss one.
resource "alicloud_slb_listener" "udp" {
  load_balancer_id          = alicloud_slb_load_balancer.intranet.id
  protocol                  = "udp"
  frontend_port             = 53
  bandwidth                 = local.changed ? 20 : 10
  description               = local.changed ? "Changed" : "By UDP"
  scheduler                 = local.changed ? "rr" : "wrr"
  healthy_threshold         = local.changed ? 5 : 8
  unhealthy_threshold       = local.changed ? 5 : 8
  health_check_timeout      = local.changed ? 4 : 8
  health_check_interval     = local.changed ? 3 : 4
  health_check_connect_port = local.changed ? 2053 : 53
  server_group_id           = alicloud_slb_server_group.main.id
}

resource "alicloud_slb_listener" "http" {
  load_balancer_id          = alicloud_slb_load_balancer.intranet.id
  protocol                  = "http"
  frontend_port             = 80
  bandwidth                 = local.changed ? 20 : 10
  description               = local.changed ? "Changed" : "By HTTP"
  scheduler                 = local.changed ? "rr" : "wrr"
  sticky_session            = "on"
  sticky_session_type       = local.changed ? "server" : "insert"
  cookie_timeout            = local.changed ? null : 86400
  cookie                    = local.changed ? "session" : null
  health_check              = "on"
  health_check_domain       = local.changed ? "www.example.com" : "example.com"
  health_check_uri          = local.changed ? "/health" : "/cons"
  health_check_method       = local.changed ? "get" : "head"
  health_check_connect_port = local.changed ? 8080 : 20
  healthy_threshold         = local.changed ? 5 : 8
  unhealthy_threshold       = local.changed ? 5 : 8
  health_check_timeout      = local.changed ? 4 : 8
  health_check_interval     = local.changed ? 3 : 5
  health_check_http_code    = local.changed ? "http_2xx" : "http_2xx,http_3xx"
  gzip                      = !local.changed
  idle_timeout              = local.changed ? 20 : 30
  request_timeout           = local.changed ? 60 : 80
  acl_status                = "on"
  acl_type                  = local.changed ? "black" : "white"
  acl_ids                   = local.changed ? [alicloud_slb_acl.plain.id] : [alicloud_slb_acl.main.id]
  server_group_id           = alicloud_slb_server_group.main.id

  x_forwarded_for {
    retrive_slb_ip    = !local.changed
    retrive_slb_id    = true
    retrive_slb_proto = local.changed
  }
}

resource "alicloud_slb_listener" "https" {
  load_balancer_id      = alicloud_slb_load_balancer.intranet.id
  protocol              = "https"
  frontend_port         = 443
  bandwidth             = local.changed ? 20 : 10
  description           = local.changed ? "Changed" : "By HTTPS"
  server_certificate_id = alicloud_slb_server_certificate.main.id
  ca_certificate_id     = local.changed ? alicloud_slb_ca_certificate.main.id : null
  tls_cipher_policy     = local.changed ? "tls_cipher_policy_1_1" : "tls_cipher_policy_1_2"
  enable_http2          = local.changed ? "off" : "on"
  health_check          = local.changed ? "off" : "on"
  health_check_uri      = local.changed ? null : "/cons"
  gzip                  = !local.changed
  idle_timeout          = local.changed ? 20 : 30
  request_timeout       = local.changed ? 60 : 80
  server_group_id       = alicloud_slb_server_group.main.id
}

# Sends what comes to it to another listener.
resource "alicloud_slb_listener" "redirect" {
  load_balancer_id = alicloud_slb_load_balancer.intranet.id
  protocol         = "http"
  frontend_port    = 8080
  listener_forward = "on"
  forward_port     = alicloud_slb_listener.https.frontend_port
}

resource "alicloud_slb_rule" "domain" {
  load_balancer_id          = alicloud_slb_load_balancer.intranet.id
  frontend_port             = alicloud_slb_listener.http.frontend_port
  name                      = local.changed ? "shop-2" : "shop"
  domain                    = "shop.example.com"
  url                       = "/cart"
  server_group_id           = alicloud_slb_server_group.main.id
  listener_sync             = "off"
  scheduler                 = local.changed ? "wlc" : "rr"
  sticky_session            = "on"
  sticky_session_type       = local.changed ? "server" : "insert"
  cookie                    = local.changed ? "session" : null
  cookie_timeout            = local.changed ? null : 100
  health_check              = "on"
  health_check_domain       = local.changed ? "www.example.com" : "example.com"
  health_check_uri          = local.changed ? "/health" : "/test"
  health_check_http_code    = local.changed ? "http_2xx,http_3xx" : "http_2xx"
  health_check_connect_port = local.changed ? 8080 : 80
  health_check_interval     = local.changed ? 20 : 10
  health_check_timeout      = local.changed ? 30 : 20
  healthy_threshold         = local.changed ? 5 : 3
  unhealthy_threshold       = local.changed ? 5 : 3
}

# As its listener is.
resource "alicloud_slb_rule" "plain" {
  load_balancer_id = alicloud_slb_load_balancer.intranet.id
  frontend_port    = alicloud_slb_listener.https.frontend_port
  url              = "/static"
  server_group_id  = alicloud_slb_server_group.main.id
}

resource "alicloud_slb_domain_extension" "main" {
  load_balancer_id      = alicloud_slb_load_balancer.intranet.id
  frontend_port         = alicloud_slb_listener.https.frontend_port
  domain                = "shop.example.com"
  server_certificate_id = local.changed ? alicloud_slb_server_certificate.other.id : alicloud_slb_server_certificate.main.id
}

resource "alicloud_slb_server_certificate" "other" {
  name               = "other"
  tags               = local.tags
  server_certificate = file("${var.certificates}/server.pem")
  private_key        = file("${var.certificates}/server.key")
}

resource "alicloud_slb_master_slave_server_group" "main" {
  load_balancer_id = alicloud_slb_load_balancer.intranet.id
  name             = "pair"

  servers {
    server_id   = alicloud_instance.server[0].id
    port        = 1600
    weight      = 100
    server_type = "Master"
  }
  servers {
    server_id   = alicloud_instance.server[1].id
    port        = 1600
    weight      = 100
    server_type = "Slave"
  }
}

resource "alicloud_slb_listener" "pair" {
  load_balancer_id             = alicloud_slb_load_balancer.intranet.id
  protocol                     = "tcp"
  frontend_port                = 1600
  bandwidth                    = -1
  master_slave_server_group_id = alicloud_slb_master_slave_server_group.main.id
}

# Servers and entries one by one.
resource "alicloud_slb_server_group" "single" {
  load_balancer_id = alicloud_slb_load_balancer.intranet.id
  name             = "one-by-one"

  lifecycle {
    ignore_changes = [servers]
  }
}

resource "alicloud_slb_server_group_server_attachment" "main" {
  server_group_id = alicloud_slb_server_group.single.id
  server_id       = alicloud_instance.server[0].id
  port            = 8080
  weight          = 50
}

resource "alicloud_slb_acl" "single" {
  name = "one-by-one"

  lifecycle {
    ignore_changes = [entry_list]
  }
}

resource "alicloud_slb_acl_entry_attachment" "main" {
  acl_id  = alicloud_slb_acl.single.id
  entry   = "192.0.2.0/24"
  comment = "the only one"
}

data "alicloud_slbs" "ids" {
  ids = [alicloud_slb_load_balancer.internet.id, alicloud_slb_load_balancer.intranet.id]

  lifecycle {
    postcondition {
      condition = (
        length(self.slbs) == 2 &&
        toset(self.slbs[*].address) == toset([
          alicloud_slb_load_balancer.internet.address, alicloud_slb_load_balancer.intranet.address
        ])
      )
      error_message = jsonencode(self.slbs)
    }
  }
}

data "alicloud_slbs" "vswitch" {
  vswitch_id = alicloud_vswitch.balancer.id
  name_regex = "^inside$"
  depends_on = [alicloud_slb_load_balancer.intranet]

  lifecycle {
    postcondition {
      condition     = self.ids == tolist([alicloud_slb_load_balancer.intranet.id]) && self.slbs[0].name == "inside"
      error_message = jsonencode(self.slbs)
    }
  }
}
