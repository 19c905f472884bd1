#pragma once

#include <bsp/base/encoding.hpp>
#include <bsp/base/result.hpp>
#include <bsp/crypto/rsa.hpp>
#include <bsp/json/c14n.hpp>
#include <bsp/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// JSON objects that carry their PS256 signature as one of their members. The signature is over C14N-1 of
/// the object as it was received, less that member.
namespace bsp {

/// The signature of an object that does not yet contain it: padded base64.
inline result<std::string> sign_object(json::object const& without_signature, rsa_private_key const& key) {
    BSP_TRY(std::string const text, json::canonicalize(without_signature));
    return to_base64(key.sign_ps256(text));
}

/// Whether a signature over the object with `"signature": ""` in place also counts.
enum class emptied_form : std::uint8_t { refused, accepted };

/// What kind of signed object the verifier expects.
struct signed_object_rules {
    std::string_view typ = {};  ///< the value that the member `typ` must have; "" when it must be absent (A-028)
    emptied_form emptied = emptied_form::refused;
    std::string_view also_unsigned = {};  ///< a second signature in the same object, which neither covers; "" when there is none
    std::size_t received_bytes = 0;       ///< how long the object's text was, 0 where it is not known: a hint
};

/// Verifies the member `signature_member` of `received` under `key`, and gives what was signed. `invalid_signature` when it
/// is absent, no base64 or does not verify, or when the object is of another `typ`; `not_canonicalizable` when it has
/// no canonical form.
inline result<json::canonical_form> verified_form(json::object const& received, std::string_view signature_member, rsa_public_key const& key,
                              signed_object_rules rules = {}) {
    json::string const* encoded = json::find_string(received, signature_member);
    if (!encoded) return fail(errc::invalid_signature, "the member " + std::string{signature_member} + " is missing or no string");
    auto const signature = from_base64(json::view(*encoded));
    if (!signature) return fail(errc::invalid_signature, "the signature is not padded base64");

    json::string const* typ = json::find_string(received, "typ");
    bool const expected_type = rules.typ.empty() ? !received.contains("typ") : typ && json::view(*typ) == rules.typ;
    if (!expected_type) return fail(errc::invalid_signature, "the signed object is of another type");

    BSP_TRY(auto form, rules.also_unsigned.empty() ? json::canonical_form::of(received, {signature_member}, rules.received_bytes)
                                                   : json::canonical_form::of(received, {signature_member, rules.also_unsigned}, rules.received_bytes));
    if (key.verify_ps256(form.text(), *signature)) return form;
    if (rules.emptied == emptied_form::accepted) {
        json::object emptied = received;
        emptied[signature_member] = "";
        BSP_TRY(std::string const emptied_text, json::canonicalize(emptied));
        if (key.verify_ps256(emptied_text, *signature)) return form;
    }
    return fail(errc::invalid_signature, "the signature does not verify");
}

/// As `verified_form`, for whom the verdict is enough.
inline result<> verify_object(json::object const& received, std::string_view signature_member, rsa_public_key const& key, signed_object_rules rules = {}) {
    BSP_CHECK(verified_form(received, signature_member, key, rules));
    return ok();
}

}  // namespace bsp
