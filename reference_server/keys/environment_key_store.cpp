#include "key_store.hpp"

#include <cstdlib>
#include <stdexcept>

namespace bsp::server {
namespace {

/// Variables of the process, which whoever starts it sets; nothing is written anywhere.
class environment_key_store final : public key_store {
public:
    std::optional<std::string> read(std::string const& name) override {
        char const* const variable = variable_of(name);
        char const* const value = variable ? std::getenv(variable) : nullptr;
        return value != nullptr && *value != '\0' ? std::optional<std::string>{value} : std::nullopt;
    }
    void write(std::string const& name, std::string const& text) override {
        if (read(name) != text) throw std::runtime_error{place_of(name) + " must hold it: with --key-store env nothing is written"};
    }
    void remove(std::string const&) override {}
    [[nodiscard]] std::string place_of(std::string const& name) const override {
        char const* const variable = variable_of(name);
        return variable ? std::string{"the environment variable "} + variable : name + ", for which there is no environment variable,";
    }
    [[nodiscard]] std::string stamp(std::string const&) override { return {}; }

private:
    static char const* variable_of(std::string const& name) {
        if (name == "identity.key") return "BACKEND_PRIVATE_KEY";
        if (name == "users.json") return "BSP_USERS";
        if (name == "admin.token") return "BSP_ADMIN_TOKEN";
        return nullptr;
    }
};

}  // namespace

std::unique_ptr<key_store> open_environment_key_store() { return std::make_unique<environment_key_store>(); }

}  // namespace bsp::server
