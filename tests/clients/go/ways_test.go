package clients

import (
	"os"
	"os/exec"
	"testing"

	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	newvpc "github.com/alibabacloud-go/vpc-20160428/v6/client"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	oldvpc "github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
)

// quiet selects an account in which nobody makes anything.
const quiet = "w-default-a-3900000000000001"

// seenByNew is how many VPCs the typed packages see; without an endpoint they go to the provider's own host name.
func seenByNew(t *testing.T, protocol, endpoint string) int32 {
	config := &utils.Config{
		AccessKeyId: dara.String(quiet), AccessKeySecret: dara.String("any"), Protocol: dara.String(protocol),
		RegionId: dara.String(region),
	}
	if endpoint != "" {
		config.Endpoint = dara.String(endpoint)
	}
	client := must[*newvpc.Client](t)(newvpc.NewClient(config))
	seen := must[*newvpc.DescribeVpcsResponse](t)(client.DescribeVpcs(&newvpc.DescribeVpcsRequest{RegionId: dara.String(region)}))
	return dara.Int32Value(seen.Body.TotalCount)
}

// seenByOld is how many VPCs alibaba-cloud-sdk-go sees; without an endpoint it goes to the provider's own host name.
func seenByOld(t *testing.T, scheme, endpoint string) int {
	config := sdk.NewConfig().WithScheme(scheme).WithAutoRetry(false)
	keys := credentials.NewAccessKeyCredential(quiet, "any")
	client := must[*oldvpc.Client](t)(oldvpc.NewClientWithOptions(region, config, keys))
	client.Domain = endpoint
	request := oldvpc.CreateDescribeVpcsRequest()
	request.Scheme = scheme
	return must[*oldvpc.DescribeVpcsResponse](t)(client.DescribeVpcs(request)).TotalCount
}

// again runs one test in a process of its own: Go reads authorities and proxies once.
func again(t *testing.T, name string, variables ...string) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run", "^"+name+"$", "-test.v")
	command.Env = append(append(os.Environ(), "CLOUDNET_WAY="+name), variables...)
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}

// HTTPS is believed with the authority of the server.
func TestHTTPS(t *testing.T) {
	if os.Getenv("CLOUDNET_WAY") != t.Name() {
		again(t, t.Name(), "SSL_CERT_FILE="+os.Getenv("CLOUDNET_CA"))
		return
	}
	if seen := seenByNew(t, "https", endpoint(t)); seen != 0 {
		t.Fatal(seen)
	}
	if seen := seenByOld(t, "HTTPS", endpoint(t)); seen != 0 {
		t.Fatal(seen)
	}
}

// With the server as proxy, host names stay as the SDKs have them.
func TestProxy(t *testing.T) {
	if os.Getenv("CLOUDNET_WAY") != t.Name() {
		url := os.Getenv("CLOUDNET_URL")
		again(t, t.Name(), "SSL_CERT_FILE="+os.Getenv("CLOUDNET_CA"), "HTTP_PROXY="+url, "HTTPS_PROXY="+url)
		return
	}
	for _, protocol := range []string{"http", "https"} {
		if seen := seenByNew(t, protocol, ""); seen != 0 {
			t.Fatal(seen)
		}
	}
	for _, scheme := range []string{"HTTP", "HTTPS"} {
		if seen := seenByOld(t, scheme, ""); seen != 0 {
			t.Fatal(seen)
		}
	}
}
