package clients

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"testing"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/ecs"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/slb"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/vpc"
)

// parameters are those of a call, as the provider's reference spells them.
type parameters map[string]string

// answer is what a call was answered, or a part of it.
type answer struct{ value any }

// at is the member of that name, or the item of that number.
func (a answer) at(path ...any) answer {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			members, _ := a.value.(map[string]any)
			a = answer{members[step]}
		case int:
			a = a.items()[step]
		}
	}
	return a
}

func (a answer) items() []answer {
	list, _ := a.value.([]any)
	items := make([]answer, len(list))
	for n, value := range list {
		items[n] = answer{value}
	}
	return items
}

func (a answer) String() string { return fmt.Sprint(a.value) }

// generation calls actions of the products Vpc, Ecs and Slb.
type generation interface {
	call(product, action string, p parameters) (answer, error)
}

// versions are those of the products' interfaces.
var versions = map[string]string{"Vpc": "2016-04-28", "Ecs": "2014-05-26", "Slb": "2014-05-15"}

// generic is the core of the typed packages, by its generic call: for Slb no typed package is there.
type generic struct{ *openapi.Client }

func newGeneric(t *testing.T, key string) generation {
	config := &utils.Config{
		AccessKeyId: dara.String(key), AccessKeySecret: dara.String("any"), Endpoint: dara.String(endpoint(t)),
		Protocol: dara.String("http"), RegionId: dara.String(region),
	}
	return generic{must[*openapi.Client](t)(openapi.NewClient(config))}
}

func (c generic) call(product, action string, p parameters) (answer, error) {
	query := map[string]*string{"RegionId": dara.String(region)}
	for name, value := range p {
		query[name] = dara.String(value)
	}
	params := &utils.Params{
		Action: dara.String(action), Version: dara.String(versions[product]), Protocol: dara.String("HTTPS"),
		Pathname: dara.String("/"), Method: dara.String("POST"), AuthType: dara.String("AK"), Style: dara.String("RPC"),
		ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}
	said, err := c.CallApi(params, &utils.OpenApiRequest{Query: query}, &dara.RuntimeOptions{})
	if err != nil {
		return answer{}, err
	}
	// Its numbers are of more than one type; those of JSON are of one.
	text, err := json.Marshal(said["body"])
	if err != nil {
		return answer{}, err
	}
	return decoded(text)
}

// services are the clients of alibaba-cloud-sdk-go, with a typed request for each action.
type services map[string]reflect.Value

func newServices(t *testing.T, key string) generation {
	config := sdk.NewConfig().WithScheme("HTTP").WithAutoRetry(false)
	keys := credentials.NewAccessKeyCredential(key, "any")
	v := must[*vpc.Client](t)(vpc.NewClientWithOptions(region, config, keys))
	e := must[*ecs.Client](t)(ecs.NewClientWithOptions(region, config, keys))
	s := must[*slb.Client](t)(slb.NewClientWithOptions(region, config, keys))
	v.Domain, e.Domain, s.Domain = endpoint(t), endpoint(t), endpoint(t)
	return services{"Vpc": reflect.ValueOf(v), "Ecs": reflect.ValueOf(e), "Slb": reflect.ValueOf(s)}
}

// call does what a program that names the action's request and method does.
func (c services) call(product, action string, p parameters) (answer, error) {
	method := c[product].MethodByName(action)
	request := reflect.New(method.Type().In(0).Elem())
	rpc := &requests.RpcRequest{}
	rpc.InitWithApiInfo(product, versions[product], action, "", "")
	rpc.Method = requests.POST
	request.Elem().FieldByName("RpcRequest").Set(reflect.ValueOf(rpc))
	for name, value := range p {
		field := request.Elem().FieldByName(name)
		if !field.IsValid() || field.Kind() != reflect.String {
			return answer{}, fmt.Errorf("the request of %s has no text %s", action, name)
		}
		field.SetString(value)
	}
	results := method.Call([]reflect.Value{request})
	if err, failed := results[1].Interface().(error); failed {
		return answer{}, err
	}
	said := results[0].Interface().(interface{ GetHttpContentBytes() []byte })
	return decoded(said.GetHttpContentBytes())
}

func decoded(text []byte) (answer, error) {
	var value any
	err := json.Unmarshal(text, &value)
	return answer{value}, err
}

// native asks the native wire as an account of a world; any refusal ends the test.
func native(t *testing.T, world, account, method, path string, body any) answer {
	t.Helper()
	sent := must[[]byte](t)(json.Marshal(body))
	request := must[*http.Request](t)(http.NewRequest(method, os.Getenv("CLOUDNET_URL")+path, bytes.NewReader(sent)))
	request.Header.Set("Content-Type", "application/json")
	if world != "" {
		request.Header.Set("Cloudnet-World", world)
		request.Header.Set("Cloudnet-Account", account)
	}
	got := must[*http.Response](t)(http.DefaultClient.Do(request))
	defer got.Body.Close()
	text := must[[]byte](t)(io.ReadAll(got.Body))
	if got.StatusCode >= 300 {
		t.Fatalf("%s %s: %s %s", method, path, got.Status, text)
	}
	if len(text) == 0 {
		return answer{}
	}
	return must[answer](t)(decoded(text))
}
