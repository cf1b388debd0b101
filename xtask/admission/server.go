package main

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	rbac "k8s.io/component-helpers/auth/rbac/validation"
)

// shop is the namespace that all questions are about.
const shop = "shop"

// server is the admission plugin of the API server, which knows the policies and bindings of a set.
type server struct {
	plugin *validating.Plugin
	// may says who may what, of the question at hand.
	may  authorizer.Authorizer
	stop chan struct{}
}

// Authorize hands on to what the question at hand says.
func (s *server) Authorize(ctx context.Context, asked authorizer.Attributes) (authorizer.Decision, string, error) {
	return s.may.Authorize(ctx, asked)
}

// start gives the plugin all that the API server gives it. Objects come from a client in memory.
func start(set *set) (*server, error) {
	plugin, err := validating.NewPlugin(nil)
	if err != nil {
		return nil, err
	}
	objects := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: shop}}}
	for _, policy := range set.policies {
		objects = append(objects, policy)
	}
	for _, binding := range set.bindings {
		objects = append(objects, binding)
	}
	client := fake.NewSimpleClientset(objects...)
	// For parameters alone, which no policy has.
	unused, err := dynamic.NewForConfig(&rest.Config{Host: "127.0.0.1:1"})
	if err != nil {
		return nil, err
	}
	shared := informers.NewSharedInformerFactory(client, 0)
	made := &server{plugin: plugin, stop: make(chan struct{})}
	initializer.New(client, unused, shared, made, utilfeature.DefaultFeatureGate, compatibility.DefaultBuildEffectiveVersion(),
		made.stop, meta.NewDefaultRESTMapper(nil)).Initialize(plugin)
	if err := plugin.ValidateInitialization(); err != nil {
		return nil, err
	}
	shared.Start(made.stop)
	if !plugin.WaitForReady() {
		return nil, fmt.Errorf("the admission plugin does not get ready")
	}
	return made, nil
}

// close ends what runs beside.
func (s *server) close() {
	close(s.stop)
}

// rights are those of whoever asks, as group/resource/namespace/verb.
type rights []string

// Authorize allows what is listed.
func (r rights) Authorize(_ context.Context, asked authorizer.Attributes) (authorizer.Decision, string, error) {
	wanted := strings.Join([]string{asked.GetAPIGroup(), asked.GetResource(), asked.GetNamespace(), asked.GetVerb()}, "/")
	for _, one := range r {
		if one == wanted {
			return authorizer.DecisionAllow, "", nil
		}
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// roles are the rights that the ClusterRoles of a set give by its own bindings, and by one of a namespace.
type roles struct {
	set *set
	// approvers is the namespace in which all people have the ClusterRole for those who approve; empty for none.
	approvers string
}

// Authorize allows what a role that is bound to the user covers.
func (r roles) Authorize(_ context.Context, asked authorizer.Attributes) (authorizer.Decision, string, error) {
	wanted := []rbacv1.PolicyRule{{
		APIGroups: []string{asked.GetAPIGroup()},
		Resources: []string{asked.GetResource()},
		Verbs:     []string{asked.GetVerb()},
	}}
	if covered, _ := rbac.Covers(r.of(asked.GetUser().GetName(), asked.GetNamespace()), wanted); covered {
		return authorizer.DecisionAllow, "", nil
	}
	return authorizer.DecisionNoOpinion, "", nil
}

// of is all that somebody may in a namespace.
func (r roles) of(user, namespace string) []rbacv1.PolicyRule {
	var all []rbacv1.PolicyRule
	add := func(name string) {
		for _, role := range r.set.clusterRoles {
			if role.Name == name {
				all = append(all, role.Rules...)
			}
		}
	}
	for _, bound := range r.set.bound {
		for _, subject := range bound.Subjects {
			account := fmt.Sprintf("system:serviceaccount:%s:%s", subject.Namespace, subject.Name)
			if subject.Kind == rbacv1.ServiceAccountKind && account == user {
				add(bound.RoleRef.Name)
			}
		}
	}
	if r.approvers != "" && r.approvers == namespace && !strings.HasPrefix(user, "system:") {
		add("lapwing-approver")
	}
	return all
}
