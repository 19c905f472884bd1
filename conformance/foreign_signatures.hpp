#pragma once

#include <bsp/base/bytes.hpp>

#include <string_view>

namespace bsp {
class rsa_private_key;
}

/// Signatures by an honest key that are not PS256, for backends to refuse (BSP-GEN-041).
namespace bsp::conformance {

bytes sign_pkcs1_sha256(rsa_private_key const&, std::string_view message);
bytes sign_pss_sha1(rsa_private_key const&, std::string_view message);
bytes sign_pss_sha512(rsa_private_key const&, std::string_view message);

}  // namespace bsp::conformance
