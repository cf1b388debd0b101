package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// set is what the chart makes with some values, as far as it matters here.
type set struct {
	policies     []*admissionv1.ValidatingAdmissionPolicy
	bindings     []*admissionv1.ValidatingAdmissionPolicyBinding
	clusterRoles []*rbacv1.ClusterRole
	bound        []*rbacv1.ClusterRoleBinding
}

// policy is the one of this name, or nil.
func (s *set) policy(name string) *admissionv1.ValidatingAdmissionPolicy {
	for _, policy := range s.policies {
		if policy.Name == name {
			return policy
		}
	}
	return nil
}

// readSets reads an array with an array of objects for each set.
func readSets(path string) ([]*set, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var objects [][]json.RawMessage
	if err := json.Unmarshal(text, &objects); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var sets []*set
	for number, all := range objects {
		one := &set{}
		for _, object := range all {
			if err := one.add(object); err != nil {
				return nil, fmt.Errorf("%s: set %d: %w", path, number, err)
			}
		}
		if len(one.policies) == 0 || len(one.policies) != len(one.bindings) {
			return nil, fmt.Errorf("%s: set %d has %d policies and %d bindings", path, number, len(one.policies), len(one.bindings))
		}
		sets = append(sets, one)
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("%s: no set", path)
	}
	return sets, nil
}

func (s *set) add(object json.RawMessage) error {
	var kind metav1.TypeMeta
	if err := json.Unmarshal(object, &kind); err != nil {
		return err
	}
	switch kind.Kind {
	case "ValidatingAdmissionPolicy":
		policy, err := strictly[admissionv1.ValidatingAdmissionPolicy](object)
		if err != nil {
			return err
		}
		withDefaults(policy)
		s.policies = append(s.policies, policy)
	case "ValidatingAdmissionPolicyBinding":
		binding, err := strictly[admissionv1.ValidatingAdmissionPolicyBinding](object)
		if err != nil {
			return err
		}
		s.bindings = append(s.bindings, binding)
	case "ClusterRole":
		role, err := strictly[rbacv1.ClusterRole](object)
		if err != nil {
			return err
		}
		s.clusterRoles = append(s.clusterRoles, role)
	case "ClusterRoleBinding":
		bound, err := strictly[rbacv1.ClusterRoleBinding](object)
		if err != nil {
			return err
		}
		s.bound = append(s.bound, bound)
	}
	return nil
}

// strictly reads an object in which nothing is unknown.
func strictly[T any](object json.RawMessage) (*T, error) {
	reader := json.NewDecoder(bytes.NewReader(object))
	reader.DisallowUnknownFields()
	value := new(T)
	if err := reader.Decode(value); err != nil {
		return nil, fmt.Errorf("%T: %w", value, err)
	}
	return value, nil
}

// withDefaults puts in what the API server does when a policy is created: without selectors none would match.
func withDefaults(policy *admissionv1.ValidatingAdmissionPolicy) {
	equivalent, all := admissionv1.Equivalent, admissionv1.AllScopes
	matched := policy.Spec.MatchConstraints
	if matched == nil {
		return
	}
	if matched.MatchPolicy == nil {
		matched.MatchPolicy = &equivalent
	}
	if matched.NamespaceSelector == nil {
		matched.NamespaceSelector = &metav1.LabelSelector{}
	}
	if matched.ObjectSelector == nil {
		matched.ObjectSelector = &metav1.LabelSelector{}
	}
	for number := range matched.ResourceRules {
		if rule := &matched.ResourceRules[number]; rule.Scope == nil {
			rule.Scope = &all
		}
	}
}

// question is what a test of the chart asks of a policy, and the answer that it takes for right.
type question struct {
	// Test has its name.
	Test string `json:"test"`
	// Set is the number of the set whose policy is asked.
	Set    int    `json:"set"`
	Policy string `json:"policy"`
	// Request is about an object without apiVersion and kind.
	Request request `json:"request"`
	// Rights are those of who asks: group/resource/namespace/verb.
	Rights []string `json:"rights"`
	// Answer is one of the three below.
	Answer string `json:"answer"`
	// Recorded is the value of the annotation for the audit log; empty where the policy is not asked.
	Recorded string `json:"recorded"`
	// Why is what somebody is told who may not.
	Why string `json:"why"`
}

const (
	unasked = "unasked"
	allowed = "allowed"
	denied  = "denied"
)

type request struct {
	Operation string `json:"operation"`
	UserInfo  struct {
		Username string `json:"username"`
	} `json:"userInfo"`
	Namespace string         `json:"namespace"`
	Object    map[string]any `json:"object"`
	OldObject map[string]any `json:"oldObject"`
}

// readQuestions reads one a line.
func readQuestions(path string) ([]question, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	reader := json.NewDecoder(bufio.NewReader(file))
	reader.DisallowUnknownFields()
	var all []question
	for {
		var one question
		err := reader.Decode(&one)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: question %d: %w", path, len(all), err)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no question", path)
	}
	return all, nil
}
