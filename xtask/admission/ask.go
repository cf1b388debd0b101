package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// controller is who promotes, where a set lets the controller do so.
const controller = "system:serviceaccount:lapwing:lapwing-controller"

// mostRecorded is at how many bytes the server cuts what it records.
const mostRecorded = 10 * 1024

// kinds are those of the resources that are judged.
var kinds = map[string]schema.GroupVersionKind{
	"namespaces":       namespaceKind,
	"behaviorprofiles": {Group: "lapwing.dev", Version: "v1alpha1", Kind: "BehaviorProfile"},
	"learnedprofiles":  {Group: "lapwing.dev", Version: "v1alpha1", Kind: "LearnedProfile"},
}

// proveQuestions asks all of them, and tells by the tests that asked.
func proveQuestions(told *report, sets []*set, questions []question) {
	servers := map[int]*server{}
	defer func() {
		for _, one := range servers {
			one.close()
		}
	}()
	wrong, times := map[string][]string{}, map[string]int{}
	for _, one := range questions {
		if one.Set < 0 || one.Set >= len(sets) {
			wrong[one.Test] = append(wrong[one.Test], fmt.Sprintf("no set %d", one.Set))
			continue
		}
		if servers[one.Set] == nil {
			made, err := start(sets[one.Set])
			if err != nil {
				wrong[one.Test] = append(wrong[one.Test], err.Error())
				continue
			}
			servers[one.Set] = made
		}
		asked, different := servers[one.Set].ask(sets[one.Set], one)
		times[one.Test] += asked
		wrong[one.Test] = append(wrong[one.Test], different...)
	}
	for _, test := range slices.Sorted(maps.Keys(wrong)) {
		told.add(fmt.Sprintf("asked %d times: %s", times[test], test), wrong[test])
	}
	told.add("each policy is asked, with each answer", missing(sets, questions))
}

// missing is which policy no question is about that has this answer.
func missing(sets []*set, questions []question) []string {
	var wrong []string
	for _, policy := range sets[0].policies {
		for _, answer := range []string{unasked, allowed, denied} {
			has := func(one question) bool { return one.Policy == policy.Name && one.Answer == answer }
			if !slices.ContainsFunc(questions, has) {
				wrong = append(wrong, fmt.Sprintf("%s is never %s", policy.Name, answer))
			}
		}
	}
	return wrong
}

// ask puts one question about each resource that the policy is for, by the rights that it lists and, where they are
// what a role of the chart gives, by that role. Answers how often it asked, and what was different.
func (s *server) ask(set *set, one question) (int, []string) {
	policy := set.policy(one.Policy)
	if policy == nil {
		return 0, []string{fmt.Sprintf("no policy %s", one.Policy)}
	}
	times, wrong := 0, []string{}
	for _, rule := range policy.Spec.MatchConstraints.ResourceRules {
		for _, resource := range rule.Resources {
			for by, may := range one.authorizers(set) {
				times++
				s.may = may
				if different := s.compare(policy, resource, one); different != "" {
					text := fmt.Sprintf("%s of %s of set %d by %s: %s", one.Request.Operation, resource, one.Set, by, different)
					wrong = append(wrong, text)
				}
			}
		}
	}
	if times == 0 {
		wrong = append(wrong, one.Policy+" is for no resource")
	}
	return times, wrong
}

// authorizers are those by which the answer has to be the same. Of a role nothing is known where the question is
// about a part of what it gives.
func (q question) authorizers(set *set) map[string]authorizer.Authorizer {
	all := map[string]authorizer.Authorizer{"rights": rights(q.Rights)}
	who := q.Request.UserInfo.Username
	approves, loosens := "lapwing.dev/behaviorprofiles/shop/approve", "lapwing.dev/behaviorprofiles/shop/loosen"
	switch {
	case who == controller:
		if slices.Equal(q.Rights, []string{approves}) {
			all["roles"] = roles{set: set}
		}
	case len(q.Rights) == 0:
		all["roles"] = roles{set: set}
	case slices.Contains(q.Rights, approves) && slices.Contains(q.Rights, loosens):
		all["roles"] = roles{set: set, approvers: shop}
	case !slices.Contains(q.Rights, approves) && !slices.Contains(q.Rights, loosens):
		all["roles"] = roles{set: set, approvers: "other"}
	}
	return all
}

// compare is what is different; empty if nothing is.
func (s *server) compare(policy *admissionv1.ValidatingAdmissionPolicy, resource string, one question) string {
	asked, err := newAsked(resource, one.Request)
	if err != nil {
		return err.Error()
	}
	err = s.plugin.Validate(context.Background(), asked, objects)
	key := policy.Name + "/" + policy.Spec.AuditAnnotations[0].Key
	recorded, isRecorded := asked.recorded[key]
	wanted := one.Recorded[:min(len(one.Recorded), mostRecorded)]
	if isRecorded != (one.Answer != unasked) || recorded != wanted {
		return fmt.Sprintf("recorded is %.999q, and not %.999q (%v)", recorded, wanted, err)
	}
	if one.Answer != denied {
		if err != nil {
			return fmt.Sprintf("refused, and not %s: %v", one.Answer, err)
		}
		return ""
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		return fmt.Sprintf("not refused (%v), as %q", err, one.Why)
	}
	said := status.ErrStatus
	if said.Code != http.StatusForbidden || said.Reason != metav1.StatusReasonForbidden {
		return fmt.Sprintf("refused with %d %s: %s", said.Code, said.Reason, said.Message)
	}
	wanted = fmt.Sprintf("ValidatingAdmissionPolicy '%s' with binding '%s' denied request: %s", policy.Name, policy.Name, one.Why)
	if !strings.HasSuffix(said.Message, wanted) {
		return fmt.Sprintf("refused as %q, and not as %q", said.Message, wanted)
	}
	return ""
}

// objects is what the plugin may know of kinds: nothing, as each object has the version that is asked about.
var objects = admission.NewObjectInterfacesFromScheme(runtime.NewScheme())

// asked is a request that keeps what is recorded of it for the audit log.
type asked struct {
	admission.Attributes
	recorded map[string]string
}

// AddAnnotation keeps it.
func (a *asked) AddAnnotation(key, value string) error {
	a.recorded[key] = value
	return nil
}

// newAsked makes the request about a resource, which may have a subresource behind a stroke.
func newAsked(resource string, of request) (*asked, error) {
	resource, subresource, _ := strings.Cut(resource, "/")
	kind, ok := kinds[resource]
	if !ok {
		return nil, fmt.Errorf("what kind are %s?", resource)
	}
	object, name, err := newObject(kind, of.Object)
	if err != nil {
		return nil, err
	}
	before, nameBefore, err := newObject(kind, of.OldObject)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = nameBefore
	}
	operations := map[string]runtime.Object{
		"CREATE": &metav1.CreateOptions{}, "UPDATE": &metav1.UpdateOptions{}, "DELETE": &metav1.DeleteOptions{},
	}
	options, ok := operations[of.Operation]
	if !ok {
		return nil, fmt.Errorf("no operation %s", of.Operation)
	}
	attributes := admission.NewAttributesRecord(object, before, kind, of.Namespace, name,
		kind.GroupVersion().WithResource(resource), subresource, admission.Operation(of.Operation), options, false,
		&user.DefaultInfo{Name: of.UserInfo.Username})
	return &asked{Attributes: attributes, recorded: map[string]string{}}, nil
}

// newObject is an object as the API server has it, and its name; nothing of nothing.
func newObject(kind schema.GroupVersionKind, fields map[string]any) (runtime.Object, string, error) {
	if fields == nil {
		return nil, "", nil
	}
	if kind == namespaceKind {
		namespace := &corev1.Namespace{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(fields, namespace, true); err != nil {
			return nil, "", err
		}
		namespace.SetGroupVersionKind(kind)
		return namespace, namespace.Name, nil
	}
	object := &unstructured.Unstructured{Object: maps.Clone(fields)}
	object.SetGroupVersionKind(kind)
	return object, object.GetName(), nil
}
