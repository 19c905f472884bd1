#pragma once

#include <bsp/base/bytes.hpp>

#include <memory>
#include <string_view>

namespace bsp {
class rsa_private_key;
}

namespace bsp::conformance::load {

/// PS256 by OpenSSL, at a quarter of what Crypto++ costs: the generator should not be what is measured. Copies share the
/// key; `sign` may be called from several threads at once.
class signer {
public:
    explicit signer(rsa_private_key const&);
    [[nodiscard]] bytes sign(std::string_view text) const;

private:
    std::shared_ptr<void> key_;
};

}  // namespace bsp::conformance::load
