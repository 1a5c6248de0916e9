#include "smtp/client.h"

#include "smtp/destination.h"

namespace mta::smtpc {

Client::Client(const Params& params, Parts parts, service::Dns& dns)
    : params_(params), parts_(std::move(parts)), finder_(params, parts_.finder, parts_.self, dns)
{
}

void Client::deliver(deliver::Job& job) { Delivery(*this, job).run(); }

void Client::close()
{
    if (kept_)
        kept_->quit();
    kept_.reset();
}

}  // namespace mta::smtpc
