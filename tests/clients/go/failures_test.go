package clients

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	newvpc "github.com/alibabacloud-go/vpc-20160428/v6/client"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	oldvpc "github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
)

// server is one of the case's own, so that it can be killed and so that its faults strike nobody else. It keeps its port
// and its database when it is started again.
type server struct {
	*testing.T
	files, address string
	arguments      []string
	process        *exec.Cmd
}

func startServer(t *testing.T, arguments ...string) *server {
	s := &server{T: t, files: t.TempDir(), address: "127.0.0.1:0", arguments: arguments}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) start() {
	s.Helper()
	ready, log := filepath.Join(s.files, "ready.json"), filepath.Join(s.files, "log")
	_ = os.Remove(ready)
	output := must[*os.File](s.T)(os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600))
	defer output.Close()
	where := []string{"serve", "--listen", s.address, "--db", "sqlite:" + filepath.Join(s.files, "cloudnet.db"), "--ready-file", ready}
	s.process = exec.Command(os.Getenv("CLOUDNET_BIN"), append(where, s.arguments...)...)
	s.process.Stdout, s.process.Stderr = output, output
	if err := s.process.Start(); err != nil {
		s.Fatal(err)
	}
	until(s.T, func() bool { _, err := os.Stat(ready); return err == nil }, true)
	var says struct{ Address string }
	if err := json.Unmarshal(must[[]byte](s.T)(os.ReadFile(ready)), &says); err != nil {
		s.Fatal(err)
	}
	s.address = says.Address
}

// kill ends it at once: nothing is written any more, nobody is told.
func (s *server) kill() {
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
}

func (s *server) fault(fault map[string]any) {
	s.Helper()
	body := must[[]byte](s.T)(json.Marshal(fault))
	answer := must[*http.Response](s.T)(http.Post("http://"+s.address+"/v1/faults", "application/json", bytes.NewReader(body)))
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusCreated {
		s.Fatal(answer.Status)
	}
}

// caller is what both generations have: a refusal is a code, what is no answer another error.
type caller interface {
	createVpc(token string) (string, error)
	vpcs() ([]string, error)
	createVSwitch(vpc, block, token string) (string, error)
	vswitches(vpc string) (map[string]string, error)
}

type typed struct {
	*newvpc.Client
	region *string
}

func newTyped(t *testing.T, s *server, id, secret, region string) caller {
	config := &utils.Config{
		AccessKeyId: dara.String(id), AccessKeySecret: dara.String(secret), Endpoint: dara.String(s.address),
		Protocol: dara.String("http"), RegionId: dara.String(region),
	}
	return typed{must[*newvpc.Client](t)(newvpc.NewClient(config)), dara.String(region)}
}

func (c typed) createVpc(token string) (string, error) {
	made, err := c.CreateVpc(&newvpc.CreateVpcRequest{RegionId: c.region, CidrBlock: dara.String("10.0.0.0/16"), ClientToken: dara.String(token)})
	if err != nil {
		return "", err
	}
	return dara.StringValue(made.Body.VpcId), nil
}

func (c typed) vpcs() ([]string, error) {
	found, err := c.DescribeVpcs(&newvpc.DescribeVpcsRequest{RegionId: c.region})
	if err != nil {
		return nil, err
	}
	ids := []string{}
	for _, vpc := range found.Body.Vpcs.Vpc {
		ids = append(ids, dara.StringValue(vpc.VpcId))
	}
	return ids, nil
}

func (c typed) createVSwitch(vpc, block, token string) (string, error) {
	made, err := c.CreateVSwitch(&newvpc.CreateVSwitchRequest{
		RegionId: c.region, VpcId: dara.String(vpc), ZoneId: dara.String(zone), CidrBlock: dara.String(block), ClientToken: dara.String(token),
	})
	if err != nil {
		return "", err
	}
	return dara.StringValue(made.Body.VSwitchId), nil
}

func (c typed) vswitches(vpc string) (map[string]string, error) {
	found, err := c.DescribeVSwitches(&newvpc.DescribeVSwitchesRequest{RegionId: c.region, VpcId: dara.String(vpc), PageSize: dara.Int32(50)})
	if err != nil {
		return nil, err
	}
	ids := map[string]string{}
	for _, vswitch := range found.Body.VSwitches.VSwitch {
		ids[dara.StringValue(vswitch.CidrBlock)] = dara.StringValue(vswitch.VSwitchId)
	}
	return ids, nil
}

type core struct{ *oldvpc.Client }

func newCore(t *testing.T, s *server, id, secret, region string) caller {
	config := sdk.NewConfig().WithScheme("HTTP").WithAutoRetry(false)
	client := must[*oldvpc.Client](t)(oldvpc.NewClientWithOptions(region, config, credentials.NewAccessKeyCredential(id, secret)))
	client.Domain = s.address
	return core{client}
}

func (c core) createVpc(token string) (string, error) {
	r := oldvpc.CreateCreateVpcRequest()
	r.CidrBlock, r.ClientToken = "10.0.0.0/16", token
	made, err := c.CreateVpc(r)
	return made.VpcId, err
}

func (c core) vpcs() ([]string, error) {
	found, err := c.DescribeVpcs(oldvpc.CreateDescribeVpcsRequest())
	ids := []string{}
	for _, vpc := range found.Vpcs.Vpc {
		ids = append(ids, vpc.VpcId)
	}
	return ids, err
}

func (c core) createVSwitch(vpc, block, token string) (string, error) {
	r := oldvpc.CreateCreateVSwitchRequest()
	r.VpcId, r.ZoneId, r.CidrBlock, r.ClientToken = vpc, zone, block, token
	made, err := c.CreateVSwitch(r)
	return made.VSwitchId, err
}

func (c core) vswitches(vpc string) (map[string]string, error) {
	r := oldvpc.CreateDescribeVSwitchesRequest()
	r.VpcId, r.PageSize = vpc, requests.NewInteger(50)
	found, err := c.DescribeVSwitches(r)
	ids := map[string]string{}
	for _, vswitch := range found.VSwitches.VSwitch {
		ids[vswitch.CidrBlock] = vswitch.VSwitchId
	}
	return ids, err
}

// codeOf is that of a refusal; empty for every other error.
func codeOf(err error) string {
	var typed *tea.SDKError
	if errors.As(err, &typed) && typed.StatusCode != nil {
		return dara.StringValue(typed.Code)
	}
	var refused *sdkerrors.ServerError
	if errors.As(err, &refused) {
		return refused.ErrorCode()
	}
	return ""
}

func wantCode(t *testing.T, err error, wanted string) {
	t.Helper()
	if codeOf(err) != wanted {
		t.Fatalf("%q, not %q: %v", codeOf(err), wanted, err)
	}
}

func wantVpcs(t *testing.T, c caller, wanted ...string) {
	t.Helper()
	if seen := must[[]string](t)(c.vpcs()); fmt.Sprint(seen) != fmt.Sprint(wanted) {
		t.Fatal(seen, wanted)
	}
}

// TestFailures is what goes wrong, and what a client sees of it.
func TestFailures(t *testing.T) {
	generations := map[string]func(*testing.T, *server, string, string, string) caller{"new": newTyped, "old": newCore}
	for name, connect := range generations {
		t.Run(name+"-wrong-key", func(t *testing.T) {
			keys := filepath.Join(t.TempDir(), "keys.toml")
			text := "[[credential]]\naccess_key_id = \"own\"\naccess_key_secret = \"own-secret\"\naccount = \"1000000000000001\"\n"
			if err := os.WriteFile(keys, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			s := startServer(t, "--credentials", keys)
			_, err := connect(t, s, "other", "own-secret", region).createVpc("a")
			wantCode(t, err, "InvalidAccessKeyId.NotFound")
			_, err = connect(t, s, "own", "wrong", region).createVpc("a")
			wantCode(t, err, "SignatureDoesNotMatch")
			right := connect(t, s, "own", "own-secret", region)
			wantVpcs(t, right)
			wantVpcs(t, right, must[string](t)(right.createVpc("a")))
		})
		t.Run(name+"-wrong-region-and-refused", func(t *testing.T) {
			s := startServer(t, "--provisioning", "instant")
			_, err := connect(t, s, "any", "any", "mars-north-1").createVpc("a")
			wantCode(t, err, "InvalidRegionId.NotFound")
			c := connect(t, s, "any", "any", region)
			wantVpcs(t, c)
			vpc := must[string](t)(c.createVpc("a"))
			_, err = c.createVSwitch(vpc, "192.168.0.0/24", "a")
			wantCode(t, err, "InvalidParameter")
			if seen := must[map[string]string](t)(c.vswitches(vpc)); len(seen) != 0 {
				t.Fatal(seen)
			}
		})
		for kind, wanted := range map[string]string{"throttling": "Throttling.User", "busy": "OperationConflict"} {
			t.Run(name+"-"+kind, func(t *testing.T) {
				s := startServer(t)
				c := connect(t, s, "any", "any", region)
				s.fault(map[string]any{"kind": kind, "action": "CreateVpc", "count": 3})
				for range 3 {
					_, err := c.createVpc("once")
					wantCode(t, err, wanted)
				}
				wantVpcs(t, c, must[string](t)(c.createVpc("once")))
			})
		}
		t.Run(name+"-lost-answer", func(t *testing.T) {
			s := startServer(t)
			c := connect(t, s, "any", "any", region)
			s.fault(map[string]any{"kind": "lost_answer", "action": "CreateVpc", "count": 1})
			// Go's transport sends a request again by itself only if that is harmless; this one it does not.
			if _, err := c.createVpc("once"); err == nil || codeOf(err) != "" {
				t.Fatal(err)
			}
			wantVpcs(t, c, must[string](t)(c.createVpc("once")))
		})
		t.Run(name+"-killed", func(t *testing.T) { killed(t, connect) })
	}
}

// A server that is killed in the middle of a stack and started again: nothing is lost or made twice.
func killed(t *testing.T, connect func(*testing.T, *server, string, string, string) caller) {
	s := startServer(t, "--provisioning", "instant")
	c := connect(t, s, "any", "any", region)
	vpc := must[string](t)(c.createVpc("net"))
	made, broken := map[string]string{}, 0
	half, gone := make(chan bool), make(chan bool)
	go func() {
		<-half
		s.kill()
		gone <- true
	}()
	for number := range 40 {
		block, token := fmt.Sprintf("10.0.%d.0/24", number), fmt.Sprintf("switch-%d", number)
		if number == 10 {
			half <- true
		}
		for made[block] == "" {
			id, err := c.createVSwitch(vpc, block, token)
			switch {
			case err == nil:
				made[block] = id
			case codeOf(err) != "":
				t.Fatal(err)
			default:
				if broken++; broken == 1 {
					<-gone
					s.start()
				}
				time.Sleep(20 * time.Millisecond)
			}
		}
	}
	if broken == 0 {
		t.Fatal("no call met the server gone")
	}
	if listed := must[map[string]string](t)(c.vswitches(vpc)); fmt.Sprint(listed) != fmt.Sprint(made) || len(made) != 40 {
		t.Fatal(listed, made)
	}
}
