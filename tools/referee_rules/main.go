// referee-rules: istiod's own translation, without a cluster, as a filter.
//
// A line of JSON in: a world (Kubernetes' and Istio's objects as YAML) and the proxies that ask for their configuration.
// A line of JSON out: the listeners, routes, clusters and endpoints that istiod would send to each of them.
// Istio's validation runs first; with what it refuses, the answer is the error's text alone.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	_ "istio.io/istio/pkg/config/xds" // the message types that istiod's answers are made of
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/test"
)

// Proxy is one Envoy that asks: a gateway, or a pod's.
type Proxy struct {
	Name, Namespace, Address, IstioVersion string
	Gateway                                bool
	Labels                                 map[string]string
	ServiceAccount                         string
}

// World is one question. With Validate, the objects are validated one by one and nothing is translated.
type World struct {
	Kubernetes, Istio string
	Proxies           []Proxy
	Validate          bool
	AllowAny          bool
	TrustDomain       string
}

// Sent is what istiod sends to one proxy, in Envoy's own messages as JSON.
type Sent struct {
	Listeners, Routes, Clusters, Endpoints []json.RawMessage
}

// Verdict is what Istio's validation says of one object.
type Verdict struct {
	Error    string
	Warnings string
}

// Answer belongs to one World.
type Answer struct {
	Error    string
	Proxies  map[string]Sent
	Verdicts []Verdict
}

func encoded[M proto.Message](messages []M) []json.RawMessage {
	out := make([]json.RawMessage, 0, len(messages))
	for _, message := range messages {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
		if err != nil {
			panic(err)
		}
		out = append(out, text)
	}
	return out
}

func validated(text string) (verdicts []Verdict) {
	for _, document := range strings.Split(text, "\n---\n") {
		verdicts = append(verdicts, verdict(document))
	}
	return verdicts
}

func verdict(document string) (out Verdict) {
	// What makes Istio's webhook panic is refused there, too.
	defer func() {
		if problem := recover(); problem != nil {
			out.Error = fmt.Sprint(problem)
		}
	}()
	configs, unknown, err := crd.ParseInputs(document)
	if err == nil && len(unknown) > 0 {
		err = fmt.Errorf("unknown kind %v", unknown[0].Kind)
	}
	if err != nil {
		return Verdict{Error: err.Error()}
	}
	for _, config := range configs {
		schema, ok := collections.Pilot.FindByGroupVersionAliasesKind(config.GroupVersionKind)
		if !ok {
			return Verdict{Error: "no schema of " + config.GroupVersionKind.String()}
		}
		warnings, err := schema.ValidateConfig(config)
		if err != nil {
			out.Error = err.Error()
		}
		if warnings != nil {
			out.Warnings = warnings.Error()
		}
	}
	return out
}

func translated(world World) (answer Answer) {
	answer.Proxies = map[string]Sent{}
	err := test.Wrap(func(t test.Failer) {
		settings := mesh.DefaultMeshConfig()
		// Without certificates and telemetry, the configuration runs in an Envoy that has neither.
		settings.EnableAutoMtls.Value = false
		settings.DefaultProviders = &meshconfig.MeshConfig_DefaultProviders{}
		settings.AccessLogFile = ""
		if !world.AllowAny {
			settings.OutboundTrafficPolicy.Mode = meshconfig.MeshConfig_OutboundTrafficPolicy_REGISTRY_ONLY
		}
		configs, _, err := crd.ParseInputs(world.Istio)
		if err != nil {
			t.Fatal(err)
		}
		for i := range configs {
			// Short host names are completed with it.
			configs[i].Domain = "cluster.local"
		}
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			KubernetesObjectString: world.Kubernetes, Configs: configs, MeshConfig: settings,
		})
		for _, proxy := range world.Proxies {
			kind := model.SidecarProxy
			if proxy.Gateway {
				kind = model.Router
			}
			node := server.SetupProxy(&model.Proxy{
				Type: kind, IPAddresses: []string{proxy.Address}, ID: proxy.Name + "." + proxy.Namespace,
				ConfigNamespace: proxy.Namespace, Labels: proxy.Labels, DNSDomain: proxy.Namespace + ".svc.cluster.local",
				Metadata: &model.NodeMetadata{
					Namespace: proxy.Namespace, Labels: proxy.Labels, ClusterID: "Kubernetes", IstioVersion: proxy.IstioVersion,
					InstanceIPs: []string{proxy.Address}, ServiceAccount: proxy.ServiceAccount,
				},
			})
			listeners := server.Listeners(node)
			answer.Proxies[proxy.Name] = Sent{
				encoded(listeners), encoded(server.RoutesFromListeners(node, listeners)),
				encoded(server.Clusters(node)), encoded(server.Endpoints(node)),
			}
		}
	})
	if err != nil {
		answer.Error = err.Error()
	}
	return answer
}

func answered(world World) Answer {
	if world.Validate {
		return Answer{Verdicts: validated(world.Istio)}
	}
	return translated(world)
}

func main() {
	for _, scope := range log.Scopes() {
		scope.SetOutputLevel(log.NoneLevel)
	}
	input, output := bufio.NewReaderSize(os.Stdin, 1<<20), json.NewEncoder(os.Stdout)
	for {
		line, err := input.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return
		}
		var world World
		if err := json.Unmarshal(line, &world); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if err := output.Encode(answered(world)); err != nil {
			return
		}
	}
}
