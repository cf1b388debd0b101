package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

// namespaceKind is the one kind of Kubernetes itself that is judged.
var namespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")

// schemas are those of all kinds that are judged.
type schemas struct {
	of     map[schema.GroupVersionKind]*spec.Schema
	mapper *meta.DefaultRESTMapper
	// versions by their group.
	versions map[string][]string
}

// ResolveSchema is what the API server's own type checker asks for.
func (s *schemas) ResolveSchema(kind schema.GroupVersionKind) (*spec.Schema, error) {
	if found, ok := s.of[kind]; ok {
		return found, nil
	}
	return nil, fmt.Errorf("%s: %w", kind, resolver.ErrSchemaNotFound)
}

// readSchemas makes them of the definitions in a manifest, as the server publishes them.
func readSchemas(manifest string) (*schemas, error) {
	file, err := os.Open(manifest)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	all := &schemas{
		of:       map[schema.GroupVersionKind]*spec.Schema{namespaceKind: schemaOf(reflect.TypeFor[corev1.Namespace]())},
		mapper:   meta.NewDefaultRESTMapper(nil),
		versions: map[string][]string{},
	}
	all.mapper.Add(namespaceKind, meta.RESTScopeRoot)
	reader := yaml.NewYAMLOrJSONDecoder(bufio.NewReader(file), 1<<20)
	for {
		var object map[string]any
		err := reader.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", manifest, err)
		}
		if object["kind"] != "CustomResourceDefinition" {
			continue
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object, &definition); err != nil {
			return nil, fmt.Errorf("%s: %w", manifest, err)
		}
		if err := all.add(&definition); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", manifest, definition.Name, err)
		}
	}
	if len(all.of) == 1 {
		return nil, fmt.Errorf("%s: no definition", manifest)
	}
	return all, nil
}

func (s *schemas) add(definition *apiextensionsv1.CustomResourceDefinition) error {
	apiextensionsv1.SetObjectDefaults_CustomResourceDefinition(definition)
	names, group := definition.Spec.Names, definition.Spec.Group
	for _, version := range definition.Spec.Versions {
		api, err := builder.BuildOpenAPIV3(definition, version.Name, builder.Options{})
		if err != nil {
			return err
		}
		turned := strings.Split(group, ".")
		slices.Reverse(turned)
		root := strings.Join(append(turned, version.Name, names.Kind), ".")
		found, err := resolver.PopulateRefs(func(ref string) (*spec.Schema, bool) {
			one, ok := api.Components.Schemas[strings.TrimPrefix(ref, "#/components/schemas/")]
			return one, ok
		}, root)
		if err != nil {
			return err
		}
		kind := schema.GroupVersionKind{Group: group, Version: version.Name, Kind: names.Kind}
		one := kind.GroupVersion().WithResource(names.Plural)
		s.of[kind] = found
		s.mapper.AddSpecific(kind, one, kind.GroupVersion().WithResource(names.Singular), meta.RESTScopeNamespace)
		if !slices.Contains(s.versions[group], version.Name) {
			s.versions[group] = append(s.versions[group], version.Name)
		}
	}
	return nil
}

// warnings is what a server says in the status of a policy of types that do not fit, and the same of what it does
// not look at: conditions, variables, annotations, and policies that are for all versions of a kind.
func (s *schemas) warnings(policy *admissionv1.ValidatingAdmissionPolicy) []string {
	named := policy.DeepCopy()
	for number := range named.Spec.MatchConstraints.ResourceRules {
		rule := &named.Spec.MatchConstraints.ResourceRules[number]
		if slices.Equal(rule.APIVersions, []string{"*"}) {
			rule.APIVersions = s.versions[rule.APIGroups[0]]
		}
	}
	checker := &validating.TypeChecker{SchemaResolver: s, RestMapper: s.mapper}
	var wrong []string
	for _, warning := range checker.Check(named) {
		wrong = append(wrong, fmt.Sprintf("%s: %s", warning.FieldRef, strings.TrimSpace(warning.Warning)))
	}
	context := checker.CreateContext(named)
	look := func(place, expression string) {
		if found := checker.CheckExpression(context, expression); len(found) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %s", place, strings.TrimSpace(found.String())))
		}
	}
	for number, one := range named.Spec.MatchConditions {
		look(fmt.Sprintf("matchConditions[%d]", number), one.Expression)
	}
	for number, one := range named.Spec.Variables {
		look(fmt.Sprintf("variables[%d]", number), one.Expression)
	}
	for number, one := range named.Spec.AuditAnnotations {
		look(fmt.Sprintf("auditAnnotations[%d]", number), one.ValueExpression)
	}
	if len(checker.CheckExpression(context, "object.metadata.notThere == ''")) == 0 {
		wrong = append(wrong, "no schema was found: nothing was looked at")
	}
	return wrong
}

// schemaOf is the schema of a kind of Kubernetes itself, which the libraries have as a type alone.
func schemaOf(kind reflect.Type) *spec.Schema {
	switch kind {
	case reflect.TypeFor[metav1.Time]():
		return spec.DateTimeProperty()
	case reflect.TypeFor[metav1.FieldsV1]():
		return typed("object")
	}
	switch kind.Kind() {
	case reflect.Pointer:
		return schemaOf(kind.Elem())
	case reflect.String:
		return spec.StringProperty()
	case reflect.Bool:
		return spec.BoolProperty()
	case reflect.Int, reflect.Int32, reflect.Int64:
		return spec.Int64Property()
	case reflect.Slice:
		return spec.ArrayProperty(schemaOf(kind.Elem()))
	case reflect.Map:
		return spec.MapProperty(schemaOf(kind.Elem()))
	case reflect.Struct:
		found := typed("object")
		found.Properties = map[string]spec.Schema{}
		for number := range kind.NumField() {
			field := kind.Field(number)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			inner := schemaOf(field.Type)
			if name != "" {
				found.Properties[name] = *inner
				continue
			}
			for name, property := range inner.Properties {
				found.Properties[name] = property
			}
		}
		return found
	}
	panic(fmt.Sprintf("no schema of %s", kind))
}

func typed(name string) *spec.Schema {
	return (&spec.Schema{}).Typed(name, "")
}
