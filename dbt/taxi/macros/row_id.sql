{# The loader's md5 row id as 32 hex digits: bytes in BigQuery, already text elsewhere. #}
{% macro row_id(column) -%}
    {{ return(adapter.dispatch('row_id', 'taxi')(column)) }}
{%- endmacro %}

{% macro default__row_id(column) -%}
    cast({{ column }} as {{ dbt.type_string() }})
{%- endmacro %}

{% macro bigquery__row_id(column) -%}
    to_hex({{ column }})
{%- endmacro %}
